using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>What a tunnel does.</summary>
public sealed record TunnelOptions
{
    /// <summary>Its name in this session.</summary>
    public required string Name { get; init; }

    /// <summary>The relay to dial.</summary>
    public required CarrierUri Relay { get; init; }

    /// <summary>The local services.</summary>
    public required ServiceMap Service { get; init; }

    /// <summary>How long the relay's hello may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a local service may take to accept.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest wait before dialling a lost relay again; the first is at most half a second, doubled each time, at random below.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The bounds of the link.</summary>
    public LinkOptions Link { get; init; } = new();
}
