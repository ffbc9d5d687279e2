using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using MProxy.Benchmarks.Tunnel;

namespace MProxy.Benchmarks.Growth;

/// <summary>What silent clients cost, and what others cost beside them.</summary>
internal static class ClientGrowth
{
    public static readonly IReadOnlyList<Measure> Measures =
    [
        new("memory of a silent client", "KiB", Better.Lower),
        new("CPU of a GiB beside silent clients", "s", Better.Lower),
        new("CPU of a connection beside silent clients", "µs", Better.Lower),
        new("CPU of a 64-byte echo beside silent clients", "µs", Better.Lower),
    ];

    /// <summary>A figure for each of <see cref="Measures"/>, of a tunnel that was just started.</summary>
    public static IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length, int count)
    {
        // Programs that are compiled while they run are slow at first.
        TunnelLoads.OneDown.Run(tunnel, server, length);
        TunnelLoads.Connections.Run(tunnel, server, length);
        using var crowd = Crowd.Gather(tunnel, server, count);
        return
        [
            crowd.MemoryOfEach,
            TunnelLoads.OneDown.Run(tunnel, server, length)[^1],
            TunnelLoads.Connections.Run(tunnel, server, length)[^1],
            TunnelLoads.Echo.Run(tunnel, server, length)[^1],
        ];
    }
}
