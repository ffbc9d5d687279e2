using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Benchmarks.Peers;

namespace MProxy.Benchmarks.Load;

/// <summary>Idle clients, in a process of their own: it has as many descriptors as this one.</summary>
internal static class HoldingClients
{
    public const string Command = "hold";

    private const int AtOnce = 8;
    private const string Ready = "held";

    /// <summary>Starts the process, and waits until all are connected. They are gone with it.</summary>
    public static Child Start(IPEndPoint entrance, int count) =>
        Child.StartSelf([Command, $"{entrance.Port}", string.Create(CultureInfo.InvariantCulture, $"{count}")]).WhenItSays(Ready);

    /// <summary>What that process does, until its standard input ends.</summary>
    public static void Run(IReadOnlyList<string> arguments)
    {
        var entrance = new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[0], CultureInfo.InvariantCulture));
        var sockets = new Socket[int.Parse(arguments[1], CultureInfo.InvariantCulture)];
        var next = -1;
        var threads = Enumerable.Range(0, AtOnce).Select(_ => LoadThread.Start(() =>
        {
            Span<byte> answer = stackalloc byte[1];
            for (int i; (i = Interlocked.Increment(ref next)) < sockets.Length;)
            {
                sockets[i] = LoadSocket.Connect(entrance, LoadCommand.Hold);
                LoadSocket.ReceiveExactly(sockets[i], answer);
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Console.WriteLine(Ready);
        _ = Console.In.ReadToEnd();
    }
}
