using System.Management.Automation;
using MProxy.Engine.Device;

namespace MProxy.Abstractions;

/// <summary>A cmdlet that uses a link which is there.</summary>
public abstract class LinkCommand : AsyncCommand
{
    /// <summary>The link, as Connect-MProxyRelay returns it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    public DeviceLink Session { get; set; } = null!;
}
