using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxyTunnel: the tunnels of this session.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyTunnel")]
[OutputType(typeof(TunnelJob))]
public sealed class GetMProxyTunnelCommand : GetSessionCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => Write(Sessions.Tunnels);
}
