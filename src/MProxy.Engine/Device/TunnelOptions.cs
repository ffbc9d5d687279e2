using System.Net;
using MProxy.Engine.Health;
using MProxy.Engine.ProxyProtocol;

namespace MProxy.Engine.Device;

/// <summary>What a tunnel does.</summary>
public sealed record TunnelOptions
{
    /// <summary>Its name in this session.</summary>
    public required string Name { get; init; }

    /// <summary>The local services.</summary>
    public required ServiceMap Service { get; init; }

    /// <summary>The relays to keep a link to each.</summary>
    public IReadOnlyList<DeviceLinkOptions> Relays { get; init; } = [];

    /// <summary>Links that are up already, and that stay when the tunnel stops.</summary>
    public IReadOnlyList<DeviceLink> Links { get; init; } = [];

    /// <summary>Clients on all links together, of whom those of datagrams take up half. A relay that brings more has each of those fail. Half of it, and of the rate, is kept for the links in equal parts.</summary>
    public int MaxClients { get; init; } = 10_000;

    /// <summary>New clients per second, and twice as many at once; 0 for no limit.</summary>
    public int MaxNewClientsPerSecond { get; init; } = 5_000;

    /// <summary>How long a local service may take to accept.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client of datagrams may be silent both ways before it is over.</summary>
    public TimeSpan DatagramIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The address of this machine that local services are dialled from; null leaves it to the system. A socket file has no use for it.</summary>
    public IPAddress? SourceAddress { get; init; }

    /// <summary>TLS that ends or begins at this device.</summary>
    public ServiceTls Tls { get; init; } = new();

    /// <summary>Where the metrics of the tunnel are shown to Prometheus, on loopback; null for nowhere. Port 0 lets the system choose.</summary>
    public IPEndPoint? MetricsEndPoint { get; init; }

    /// <summary>The PROXY header that tells a local service who its client is, before the client's first byte.</summary>
    public ProxyProtocolVersion ProxyProtocol { get; init; }

    /// <summary>How services are probed. Those that are not are always up.</summary>
    public HealthChecks HealthChecks { get; init; } = HealthChecks.None;

    /// <summary>Where the randomness of the first probes' times comes from.</summary>
    public Random Random { get; init; } = Random.Shared;
}
