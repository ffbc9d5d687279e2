using System.Net.Sockets;
using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Tunnel;

/// <summary>Tunnels of several makers, which take turns at every load: what slows the machine down slows down all of them.</summary>
internal sealed class TunnelBenchmarks : IBenchmarkGroup
{
    public GroupReport Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var report = new GroupReport("tunnel", TunnelTargets.All);
        var length = options.IsShort ? LoadLength.Short : LoadLength.Full;
        var loads = TunnelLoads.All.Where(load => load.Measures.Any(measure => options.Wants(measure.Name))).ToList();
        var peers = TunnelPeers.All.Where(peer => options.WantsPeer(peer.Name) && loads.Any(load => Fits(load, peer)) && IsHere(peer, report)).ToList();
        using var server = new LoadServer();

        Dictionary<TunnelPeer, RunningTunnel> running = [];
        try
        {
            var lasting = loads.Where(load => !load.NeedsFreshTunnel).ToList();
            foreach (var peer in peers.Where(peer => lasting.Any(load => Fits(load, peer))))
            {
                Try(report, peer, "its start", () =>
                {
                    running.Add(peer, peer.Start(server.Address));
                    WarmUp(running[peer], server, length);
                });
            }

            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var load in lasting)
                {
                    foreach (var peer in running.Keys.Where(peer => Fits(load, peer)))
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        Measure(report, load, peer, running[peer], server, length);
                    }
                }
            }
        }
        finally
        {
            running.Values.ToList().ForEach(tunnel => tunnel.Dispose());
        }

        foreach (var load in loads.Where(load => load.NeedsFreshTunnel))
        {
            foreach (var peer in peers.Where(peer => Fits(load, peer)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Try(report, peer, "its start", () =>
                {
                    using var tunnel = peer.Start(server.Address);
                    Measure(report, load, peer, tunnel, server, length);
                });
            }
        }

        return report;
    }

    /// <summary>Programs that are compiled while they run are slow at first, and nobody uses a tunnel for a second.</summary>
    private static void WarmUp(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        TunnelLoads.OneDown.Run(tunnel, server, length);
        TunnelLoads.OneUp.Run(tunnel, server, length);
        TunnelLoads.Connections.Run(tunnel, server, length);
    }

    private static void Measure(GroupReport report, ITunnelLoad load, TunnelPeer peer, RunningTunnel tunnel, LoadServer server, LoadLength length) =>
        Try(report, peer, load.Measures[0].Name, () =>
        {
            var figures = load.Run(tunnel, server, length);
            foreach (var (measure, figure) in load.Measures.Zip(figures).Where(pair => !double.IsNaN(pair.Second)))
            {
                report.Add(measure, peer.Name, figure);
                Console.Error.WriteLine($"{measure.Name}, {peer.Name}: {Figure.Text(figure)} {measure.Unit}");
            }
        });

    private static bool Fits(ITunnelLoad load, TunnelPeer peer) => (load.Kinds & peer.Kind) != 0;

    private static bool IsHere(TunnelPeer peer, GroupReport report)
    {
        if (peer.WhyMissing() is { } why)
        {
            report.Note($"{peer.Name} is left out: {why}.");
            return false;
        }

        return true;
    }

    /// <summary>A peer that fails is a line in the report, and no end of the others.</summary>
    private static void Try(GroupReport report, TunnelPeer peer, string what, Action run)
    {
        try
        {
            run();
        }
        catch (Exception error) when (error is IOException or SocketException or InvalidDataException)
        {
            report.Note($"{peer.Name} failed at {what}: {error.Message}");
            Console.Error.WriteLine($"{peer.Name} failed at {what}: {error.Message}");
        }
    }
}
