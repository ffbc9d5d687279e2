using System.Management.Automation;
using MProxy.Abstractions;
using MProxy.Engine.Device;
using MProxy.Internal;

namespace MProxy.Commands;

/// <summary>Disconnect-MProxyRelay: ends links that Connect-MProxyRelay made.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "MProxyRelay", DefaultParameterSetName = NameSet, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class DisconnectMProxyRelayCommand : StopSessionCommand
{
    /// <summary>The link itself, as Connect-MProxyRelay returns it.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = InputSet)]
    [ValidateNotNull]
    public DeviceLink? InputObject { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Stop(Sessions.Links, InputObject);
}
