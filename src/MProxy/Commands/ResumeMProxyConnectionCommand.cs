using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine;

namespace MProxy.Commands;

/// <summary>Resume-MProxyConnection: lets suspended clients go on.</summary>
[Cmdlet(VerbsLifecycle.Resume, "MProxyConnection", DefaultParameterSetName = IdSet, SupportsShouldProcess = true)]
[OutputType(typeof(ClientConnection))]
public sealed class ResumeMProxyConnectionCommand : ChangeConnectionCommand
{
    private protected override string Action => "Resume connection";

    private protected override bool TryChange(ClientConnection connection)
    {
        connection.Resume();
        return connection.State != ConnectionState.Closed;
    }
}
