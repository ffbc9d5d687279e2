using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Nerdbank.Streams;

namespace MProxy.Benchmarks.Peers;

/// <summary>A tunnel over Nerdbank.Streams, as small as it can be; what the processes of <see cref="NerdbankPeer"/> do.</summary>
internal static class NerdbankTunnel
{
    public const string Command = "nerdbank";
    public const string Ready = "ready";

    private const string ChannelName = "client";
    private const int ReadLength = 64 << 10;

    // Large enough for a long way.
    private static readonly MultiplexingStream.Options Options = new() { ProtocolMajorVersion = 3, DefaultChannelReceivingWindowSize = 8 << 20 };

    public static Task RunAsync(IReadOnlyList<string> arguments)
    {
        var link = new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[1], CultureInfo.InvariantCulture));
        var other = new IPEndPoint(IPAddress.Loopback, int.Parse(arguments[2], CultureInfo.InvariantCulture));
        return arguments[0] == "relay" ? RelayAsync(link, other) : DeviceAsync(link, other);
    }

    private static async Task RelayAsync(IPEndPoint link, IPEndPoint entrance)
    {
        using var links = Listen(link);
        using var clients = Listen(entrance);
        Console.WriteLine(Ready);
        using var socket = await links.AcceptAsync();
        await using var session = MultiplexingStream.Create(ToStream(socket), Options);
        for (; ; )
        {
            var client = await clients.AcceptAsync();
            _ = OpenAsync(session, client);
        }
    }

    private static async Task OpenAsync(MultiplexingStream session, Socket client) =>
        await CarryAsync(await session.OfferChannelAsync(ChannelName), client);

    private static async Task DeviceAsync(IPEndPoint link, IPEndPoint service)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(link);
        await using var session = MultiplexingStream.Create(ToStream(socket), Options);
        for (; ; )
        {
            _ = ServeAsync(await session.AcceptChannelAsync(ChannelName), service);
        }
    }

    private static async Task ServeAsync(MultiplexingStream.Channel channel, IPEndPoint service)
    {
        var local = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await local.ConnectAsync(service);
        await CarryAsync(channel, local);
    }

    private static async Task CarryAsync(MultiplexingStream.Channel channel, Socket socket)
    {
        socket.NoDelay = true;
        try
        {
            // One that fails ends the other too.
            Task[] ways = [UpAsync(socket, channel.Output), DownAsync(channel.Input, socket)];
            await await Task.WhenAny(ways);
            await Task.WhenAll(ways);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        finally
        {
            socket.Dispose();
            channel.Dispose();
        }
    }

    private static async Task UpAsync(Socket socket, PipeWriter output)
    {
        for (; ; )
        {
            var count = await socket.ReceiveAsync(output.GetMemory(ReadLength), SocketFlags.None);
            if (count == 0)
            {
                await output.CompleteAsync();
                return;
            }

            output.Advance(count);
            if ((await output.FlushAsync()).IsCompleted)
            {
                return;
            }
        }
    }

    private static async Task DownAsync(PipeReader input, Socket socket)
    {
        for (; ; )
        {
            var read = await input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                for (var at = 0; at < segment.Length;)
                {
                    at += await socket.SendAsync(segment[at..], SocketFlags.None);
                }
            }

            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                socket.Shutdown(SocketShutdown.Send);
                return;
            }
        }
    }

    private static Socket Listen(IPEndPoint address)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(address);
        listener.Listen(4096);
        return listener;
    }

    private static NetworkStream ToStream(Socket socket)
    {
        socket.NoDelay = true;
        return new NetworkStream(socket, ownsSocket: false);
    }
}
