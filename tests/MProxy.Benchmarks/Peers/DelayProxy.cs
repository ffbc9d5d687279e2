using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Benchmarks.Load;

namespace MProxy.Benchmarks.Peers;

/// <summary>A long way for a link, in a process of its own: every byte takes a while, and as many as come may be on it.</summary>
internal static class DelayProxy
{
    public const string Command = "delay";

    private const int PieceLength = 256 << 10;

    // What a way of this length may hold at most; a sender that is faster waits, as it would for a full pipe.
    private const int MaxPieces = 1024;

    /// <summary>Starts it in front of an address.</summary>
    public static Child Start(IPEndPoint entrance, IPEndPoint target, TimeSpan oneWay)
    {
        return Child.StartSelf([Command, $"{entrance.Port}", $"{target.Port}", oneWay.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)], isAside: true).WhenItSays(Command);
    }

    /// <summary>What that process does, until it is ended.</summary>
    public static void Run(IReadOnlyList<string> arguments)
    {
        var target = new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[1], CultureInfo.InvariantCulture));
        var delay = TimeSpan.FromMilliseconds(double.Parse(arguments[2], CultureInfo.InvariantCulture));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[0], CultureInfo.InvariantCulture)));
        listener.Listen();
        Console.WriteLine(Command);
        for (; ; )
        {
            var near = listener.Accept();
            var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            far.Connect(target);
            near.NoDelay = true;
            Carry(near, far, delay);
            Carry(far, near, delay);
        }
    }

    private static void Carry(Socket from, Socket to, TimeSpan delay)
    {
        var pieces = new BlockingCollection<(byte[] Bytes, int Count, long Due)>(MaxPieces);
        var free = new ConcurrentBag<byte[]>();
        LoadThread.Start(() =>
        {
            for (; ; )
            {
                var bytes = free.TryTake(out var used) ? used : new byte[PieceLength];
                var count = LoadSocket.Receive(from, bytes);
                pieces.Add((bytes, count, Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency)));
                if (count == 0)
                {
                    return;
                }
            }
        });
        LoadThread.Start(() =>
        {
            foreach (var (bytes, count, due) in pieces.GetConsumingEnumerable())
            {
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (wait > TimeSpan.Zero)
                {
                    Thread.Sleep(wait);
                }

                if (count == 0 || !TrySend(to, bytes.AsSpan(0, count)))
                {
                    to.Dispose();
                    return;
                }

                free.Add(bytes);
            }
        });
    }

    private static bool TrySend(Socket to, ReadOnlySpan<byte> bytes)
    {
        try
        {
            to.Send(bytes);
            return true;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
