using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Stop-MProxyTunnel: ends tunnels with every client of theirs.</summary>
[Cmdlet(VerbsLifecycle.Stop, "MProxyTunnel", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class StopMProxyTunnelCommand : StopSessionCommand
{
    /// <summary>The tunnel itself, as Start- and Get-MProxyTunnel return it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public TunnelJob? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Stop(Sessions.Tunnels, InputObject);
}
