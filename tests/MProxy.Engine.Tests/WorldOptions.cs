using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>A world that differs from the usual one: tcp on loopback, no tokens, quick to reconnect.</summary>
internal sealed record WorldOptions
{
    public string Listen { get; init; } = "tcp://127.0.0.1:0";

    public string Service { get; init; } = "tcp";

    public Func<RelayOptions, RelayOptions> Relay { get; init; } = options => options;

    public Func<DeviceLinkOptions, DeviceLinkOptions> Device { get; init; } = options => options;

    public Func<TunnelOptions, TunnelOptions> Tunnel { get; init; } = options => options;

    /// <summary>How the tunnel is told where the local service is.</summary>
    public Func<string, string> Target { get; init; } = target => target;

    /// <summary>Where the local service listens.</summary>
    public Func<Socket> LocalService { get; init; } = () => TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));

    public static RelayOptions Relays(string listen = "tcp://127.0.0.1:0") => new()
    {
        Name = "test",
        Listen = [CarrierUri.Parse(listen)],
        TcpPort = [0],
        Carrier = new ListenOptions { Certificate = TestCertificate.Relay },
    };

    public static TunnelOptions Tunnels(int relayPort, string service, string target) =>
        Tunnels(Links(CarrierUri.Parse($"tcp://127.0.0.1:{relayPort}")), service, target);

    public static TunnelOptions Tunnels(DeviceLinkOptions relay, string service, string target) => new()
    {
        Name = "test",
        Relays = [relay],
        Service = new ServiceMap([new(service, LocalTarget.Parse(target))]),
    };

    public static DeviceLinkOptions Links(CarrierUri relay) => new()
    {
        Relay = relay,
        MaxRetryDelay = TimeSpan.FromMilliseconds(50),
        Dial = CarrierWorld.Trusting,
    };
}
