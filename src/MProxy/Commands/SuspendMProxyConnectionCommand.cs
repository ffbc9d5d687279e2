using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine;

namespace MProxy.Commands;

/// <summary>Suspend-MProxyConnection: takes nothing more from clients and their services until they are resumed.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "MProxyConnection", DefaultParameterSetName = IdSet, SupportsShouldProcess = true)]
[OutputType(typeof(ClientConnection))]
public sealed class SuspendMProxyConnectionCommand : ChangeConnectionCommand
{
    private protected override string Action => "Suspend connection";

    private protected override bool TryChange(ClientConnection connection)
    {
        connection.Suspend();

        // What is suspended says so even while it ends; what says anything else of its end was over before.
        return connection.State is not (ConnectionState.Ending or ConnectionState.Closed);
    }
}
