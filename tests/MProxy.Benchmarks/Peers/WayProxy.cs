using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Benchmarks.Load;

namespace MProxy.Benchmarks.Peers;

/// <summary>A long or narrow way for a link, in a process of its own. On a long one may be as many bytes as come; a narrow one keeps few.</summary>
internal static class WayProxy
{
    public const string Command = "way";

    private const int PieceLength = 256 << 10;
    private const int NarrowPieceLength = 2 << 10;

    // What a way of this length may hold at most; a sender that is faster waits, as it would for a full pipe.
    private const int MaxPieces = 1024;

    // Some 13 ms of 20 Mbit/s, and as much in the system's buffer: what a router may keep.
    private const int MaxNarrowPieces = 16;
    private const int NarrowReceiveLength = 16 << 10;

    /// <summary>Starts it in front of an address.</summary>
    public static Child Start(IPEndPoint entrance, IPEndPoint target, WayKind kind)
    {
        string[] arguments = [Command, $"{entrance.Port}", $"{target.Port}", kind.OneWay.TotalMilliseconds.ToString(CultureInfo.InvariantCulture), $"{kind.BytesPerSecond}"];
        return Child.StartSelf(arguments, isAside: true).WhenItSays(Command);
    }

    /// <summary>What that process does, until it is ended.</summary>
    public static void Run(IReadOnlyList<string> arguments)
    {
        var target = new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[1], CultureInfo.InvariantCulture));
        var kind = new WayKind(
            TimeSpan.FromMilliseconds(double.Parse(arguments[2], CultureInfo.InvariantCulture)), int.Parse(arguments[3], CultureInfo.InvariantCulture));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Narrow(listener);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[0], CultureInfo.InvariantCulture)));
        listener.Listen();
        Console.WriteLine(Command);
        for (; ; )
        {
            var near = listener.Accept();
            var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            Narrow(far);
            far.Connect(target);
            near.NoDelay = true;
            Carry(near, far, kind);
            Carry(far, near, kind);
        }

        void Narrow(Socket socket)
        {
            if (kind.BytesPerSecond > 0)
            {
                socket.ReceiveBufferSize = NarrowReceiveLength;
            }
        }
    }

    private static void Carry(Socket from, Socket to, WayKind kind)
    {
        var isNarrow = kind.BytesPerSecond > 0;
        var perByte = isNarrow ? (double)Stopwatch.Frequency / kind.BytesPerSecond : 0;
        var pieces = new BlockingCollection<(byte[] Bytes, int Count, long Due)>(isNarrow ? MaxNarrowPieces : MaxPieces);
        var free = new ConcurrentBag<byte[]>();
        LoadThread.Start(() =>
        {
            for (long through = 0; ;)
            {
                var bytes = free.TryTake(out var used) ? used : new byte[isNarrow ? NarrowPieceLength : PieceLength];
                var count = LoadSocket.Receive(from, bytes);

                // One byte goes through behind the other, and is on its way for a while then.
                through = Math.Max(through, Stopwatch.GetTimestamp()) + (long)(count * perByte);
                pieces.Add((bytes, count, through + (long)(kind.OneWay.TotalSeconds * Stopwatch.Frequency)));
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
