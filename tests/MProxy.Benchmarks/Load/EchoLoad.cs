using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Load;

/// <summary>A keystroke, again and again: 64 bytes there and back, alone or beside downloads.</summary>
/// <param name="downloads">How many run meanwhile.</param>
/// <param name="kinds">The tunnels that it is for.</param>
/// <param name="where">Says which way the link goes, in the measure's name.</param>
/// <param name="isSlow">The way is narrow: a keystroke may take long.</param>
internal sealed class EchoLoad(int downloads, PeerKind kinds, string where = "", bool isSlow = false) : ITunnelLoad
{
    private const int Length = 64;

    private readonly Measure _middle = new($"64-byte echo{Beside(downloads)}{where}, p50", "µs", Better.Lower, IsCharted: downloads == 0);
    private readonly Measure _most = new($"64-byte echo{Beside(downloads)}{where}, p99", "µs", Better.Lower, IsCharted: downloads > 0);
    private readonly Measure _cost = new($"CPU of a 64-byte echo{where}", "µs", Better.Lower);

    public IReadOnlyList<Measure> Measures => [_middle, _most, _cost];

    public PeerKind Kinds => kinds;

    public IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        length = isSlow ? length.ForSlowWays() : length;
        using var transfers = new Transfers(tunnel.Entrance, downloads, isUp: false);
        using var echo = LoadSocket.Connect(tunnel.Entrance, LoadCommand.Echo);
        Measure(echo, length.WarmUp);
        var cost = tunnel.CpuSeconds();
        var took = Measure(echo, length.Measured * 2);
        cost = tunnel.CpuSeconds() - cost;
        transfers.Check();
        took.Sort();
        return [took[took.Count / 2], took[took.Count * 99 / 100], downloads == 0 && tunnel.HasProcesses ? cost / took.Count * Units.MicrosecondsPerSecond : double.NaN];
    }

    private static List<double> Measure(Socket echo, TimeSpan duration)
    {
        var took = new List<double>(1 << 16);
        Span<byte> back = stackalloc byte[Length];
        long position = 0;
        for (var started = Stopwatch.GetTimestamp(); took.Count == 0 || Stopwatch.GetElapsedTime(started) < duration; position += Length)
        {
            var sent = Stopwatch.GetTimestamp();
            echo.Send(LoadPattern.At(position, Length));
            LoadSocket.ReceiveExactly(echo, back);
            took.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            LoadPattern.Check(position, back);
        }

        return took;
    }

    private static string Beside(int downloads) => downloads == 0 ? "" : $" beside {downloads} downloads";
}
