using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Get-MProxyLink: the links that Connect-MProxyRelay made.</summary>
[Cmdlet(VerbsCommon.Get, "MProxyLink")]
[OutputType(typeof(DeviceLink))]
public sealed class GetMProxyLinkCommand : GetSessionCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord() => Write(Sessions.Links);
}
