using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine;

namespace MProxy.Commands;

/// <summary>Stop-MProxyConnection: ends clients at once, and nothing else.</summary>
[Cmdlet(VerbsLifecycle.Stop, "MProxyConnection", DefaultParameterSetName = IdSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(ClientConnection))]
public sealed class StopMProxyConnectionCommand : ChangeConnectionCommand
{
    private protected override string Action => "Stop connection";

    private protected override bool TryChange(ClientConnection connection)
    {
        connection.Stop();
        return true;
    }
}
