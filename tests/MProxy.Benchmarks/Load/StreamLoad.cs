using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Load;

/// <summary>Streams that go one way at the same time, every byte of them checked.</summary>
/// <param name="streams">How many.</param>
/// <param name="isUp">From the clients to the service; else the other way.</param>
/// <param name="kinds">The tunnels that it is for.</param>
/// <param name="where">Says which way the link goes, in the measure's name.</param>
/// <param name="isSlow">The way is long: it takes a while until streams go at full speed.</param>
/// <param name="stalled">How many more clients begin a download and read nothing of it.</param>
internal sealed class StreamLoad(int streams, bool isUp, PeerKind kinds, string where = "", bool isSlow = false, int stalled = 0) : ITunnelLoad
{
    private readonly Measure _rate = new($"{Count(streams)} {(isUp ? "up" : "down")}{where}", "MB/s", Better.Higher, IsCharted: streams is 1 or 64 && !isUp);
    private readonly Measure _cost = new($"CPU of {Count(streams)} {(isUp ? "up" : "down")}{where}", "s/GiB", Better.Lower);

    public IReadOnlyList<Measure> Measures => [_rate, _cost];

    public PeerKind Kinds => kinds;

    public IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        length = isSlow ? length.ForSlowWays() : length;
        var stalledClients = new List<Socket>();
        try
        {
            for (var i = 0; i < stalled; i++)
            {
                stalledClients.Add(LoadSocket.Connect(tunnel.Entrance, LoadCommand.Download, 0));
            }

            using var transfers = new Transfers(tunnel.Entrance, streams, isUp);
            long Moved() => isUp ? server.Uploaded : transfers.Downloaded;
            Thread.Sleep(length.WarmUp);
            var (before, cost, started) = (Moved(), tunnel.CpuSeconds(), Stopwatch.GetTimestamp());
            Thread.Sleep(length.Measured);
            var moved = Moved() - before;
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            cost = tunnel.CpuSeconds() - cost;
            server.Check();
            transfers.Check();
            return moved > 0
                ? [moved / seconds / Units.Mebi, tunnel.HasProcesses ? cost / (moved / Units.Gibi) : double.NaN]
                : throw new IOException("Nothing moved.");
        }
        finally
        {
            stalledClients.ForEach(LoadSocket.Reset);
        }
    }

    private static string Count(int streams) => streams == 1 ? "1 stream" : $"{streams} streams";
}
