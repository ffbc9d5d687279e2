using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Tunnel;

/// <summary>What tunnels of ours have to reach, as shares of the peers' figures in the same run.</summary>
internal static class TunnelTargets
{
    private const string Ssh = "ssh -R";
    private const string Yamux = "yamux";
    private const string Nerdbank = "Nerdbank.Streams";

    private static readonly Measure Rate = TunnelLoads.OneDown.Measures[0];
    private static readonly Measure Cost = TunnelLoads.OneDown.Measures[1];
    private static readonly Measure Echo = TunnelLoads.Echo.Measures[0];
    private static readonly Measure LateEcho = TunnelLoads.EchoBesideDownloads.Measures[1];
    private static readonly Measure Far = TunnelLoads.FarUp.Measures[0];

    public static readonly IReadOnlyList<Target> All =
    [
        new(Rate, Names.Ours, Ssh, 1.4),
        new(Rate, Names.Ours, Yamux, 1.8),
        new(Rate, Names.Ours, Nerdbank, 1.8),
        new(Rate, Names.Ours, "HAProxy, one hop", 1.0),
        new(Cost, Names.Ours, null, 1.3),
        new(Cost, Names.Ours, Ssh, 0.6),
        new(TunnelLoads.ManyDown.Measures[0], Names.Ours, Ssh, 3),
        new(Echo, Names.Ours, Ssh, 0.8),
        new(Echo, Names.Ours, Yamux, 0.8),
        new(LateEcho, Names.Ours, null, 5000),
        new(LateEcho, Names.Ours, Ssh, 0.33),
        new(LateEcho, Names.Ours, Yamux, 0.33),
        new(TunnelLoads.Connections.Measures[0], Names.Ours, Ssh, 6),
        new(TunnelLoads.Connections.Measures[0], Names.Ours, Yamux, 1.1),
        new(TunnelLoads.Connections.Measures[0], Names.Ours, Nerdbank, 1.5),
        new(TunnelLoads.Hold.Measures[0], Names.Ours, null, 8),
        new(Far, Names.Ours, Yamux, 50),
        new(Far, Names.Ours, Ssh, 8),
        new(Far, Names.Ours, Nerdbank, 2.5),
        new(Rate, TunnelPeers.Tls, "stunnel pair", 1.3),
        new(Rate, TunnelPeers.Tls, Ssh, 1.0),
        new(Rate, TunnelPeers.WebSocket, Names.Ours, 0.6),
    ];
}
