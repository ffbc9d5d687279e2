using System.Diagnostics;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Load;

/// <summary>Clients that come, say a byte, get a byte and go; some at a time.</summary>
internal sealed class ConnectionLoad(PeerKind kinds) : ITunnelLoad
{
    private const int AtOnce = 8;

    private readonly Measure _rate = new("connections", "1/s", Better.Higher, IsCharted: true);
    private readonly Measure _cost = new("CPU of a connection", "µs", Better.Lower);

    public IReadOnlyList<Measure> Measures => [_rate, _cost];

    public PeerKind Kinds => kinds;

    public IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        var count = 0;
        Exception? failure = null;
        var isOver = false;
        var threads = Enumerable.Range(0, AtOnce).Select(_ => LoadThread.Start(() =>
        {
            try
            {
                while (!Volatile.Read(ref isOver))
                {
                    ComeAndGo(tunnel);
                    Interlocked.Increment(ref count);
                }
            }
            catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
            {
                failure = error;
            }
        })).ToList();
        Thread.Sleep(length.WarmUp);
        var (before, cost, started) = (Volatile.Read(ref count), tunnel.CpuSeconds(), Stopwatch.GetTimestamp());
        Thread.Sleep(length.Measured);
        var made = Volatile.Read(ref count) - before;
        var rate = made / Stopwatch.GetElapsedTime(started).TotalSeconds;
        cost = tunnel.CpuSeconds() - cost;
        Volatile.Write(ref isOver, true);
        threads.ForEach(thread => thread.Join());
        return failure is null ? [rate, tunnel.HasProcesses ? cost / made * Units.MicrosecondsPerSecond : double.NaN] : throw new IOException($"A connection failed: {failure.Message}", failure);
    }

    private static void ComeAndGo(RunningTunnel tunnel)
    {
        using var client = LoadSocket.Connect(tunnel.Entrance, LoadCommand.Answer);
        Span<byte> answer = stackalloc byte[1];
        LoadSocket.ReceiveExactly(client, answer);

        // The service closes first, so that clients leave no ports behind that are in use for another minute.
        LoadSocket.Receive(client, answer);
    }
}
