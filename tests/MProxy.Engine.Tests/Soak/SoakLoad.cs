using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Tests.Datagrams;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Soak;

/// <summary>Clients of all kinds that come, ask, check what they get, and go, until they are told to stop. Whatever goes wrong ends the run.</summary>
internal sealed class SoakLoad(FrontWorld world, int udpPort, int tcpPort, CancellationToken stop)
{
    private long _exchanges;
    private long _duplicates;

    public long Exchanges => Interlocked.Read(ref _exchanges);

    public Task RunAsync() => Task.WhenAll(
    [
        .. Enumerable.Range(0, 4).Select(_ => Loop(EchoAsync)),
        .. Enumerable.Range(0, 2).Select(_ => Loop(BulkAsync)),
        .. Enumerable.Range(0, 4).Select(_ => Loop(RequestAsync)),
        .. Enumerable.Range(0, 4).Select(_ => Loop(DatagramAsync)),
        .. Enumerable.Range(0, 2).Select(_ => Loop(QuestionAsync)),
        Loop(StalledAsync),
        Loop(RefusedAsync),
        Loop(ScrapeAsync),
    ]);

    private async Task Loop(Func<Task> exchange)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await exchange();
                Interlocked.Increment(ref _exchanges);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown && IsDuplicate())
            {
                // A client of raw TCP is told by a reset and in no other way, and a send after the read that was told finds a broken pipe.
            }
        }
    }

    /// <summary>A hundred keystrokes on a connection of its own.</summary>
    private async Task EchoAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", tcpPort, CancellationToken.None);
        var sent = RandomNumberGenerator.GetBytes(64);
        var got = new byte[64];
        for (var round = 0; round < 100; round++)
        {
            await client.SendAsync(sent, CancellationToken.None);
            await ReadAsync(client, got);
            Assert.Equal(sent, got);
        }
    }

    /// <summary>16 MiB up and down again.</summary>
    private async Task BulkAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", tcpPort, CancellationToken.None);
        var sent = RandomNumberGenerator.GetBytes(1 << 20);
        for (var round = 0; round < 16; round++)
        {
            var got = new byte[sent.Length];
            var reading = ReadAsync(client, got);
            await LocalService.SendAllAsync(client, sent, sent.Length);
            await reading;
            Assert.True(sent.AsSpan().SequenceEqual(got));
        }
    }

    private async Task RequestAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Http, CancellationToken.None);
        await LocalService.SendAllAsync(client, Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: www.soak.example\r\nConnection: close\r\n\r\n"), 1000);
        client.Shutdown(SocketShutdown.Send);
        var answer = Encoding.ASCII.GetString(await LocalService.ReadAllAsync(client));

        Assert.True(answer.StartsWith("GET / HTTP/1.1", StringComparison.Ordinal) || (answer.StartsWith("HTTP/1.1 503 ", StringComparison.Ordinal) && IsDuplicate()));
    }

    /// <summary>Ten datagrams from a new address: what is lost is no fault, what comes has to be right.</summary>
    private async Task DatagramAsync()
    {
        using var client = DatagramWorld.NewClient(new IPEndPoint(IPAddress.Loopback, udpPort));
        for (var round = 0; round < 10; round++)
        {
            var sent = RandomNumberGenerator.GetBytes(1 + RandomNumberGenerator.GetInt32(1400));
            await client.SendAsync(sent, CancellationToken.None);
            if (await TryReceiveAsync(client) is { } got)
            {
                Assert.Equal(sent, got);
            }
        }
    }

    private async Task QuestionAsync()
    {
        using var client = DatagramWorld.NewClient(new IPEndPoint(IPAddress.Loopback, world.Dns));
        var question = DnsMessages.Query($"n{RandomNumberGenerator.GetInt32(1000)}.dns.soak.example");
        await client.SendAsync(question, CancellationToken.None);
        if (await TryReceiveAsync(client) is { } got)
        {
            // A port that another name was just asked from is told to come over TCP.
            Assert.Equal(question[3..], (got[2] & 2) == 0 ? got[3..] : got[3..question.Length]);
        }
    }

    /// <summary>Sends for two seconds and reads nothing, and is gone then.</summary>
    private async Task StalledAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", tcpPort, CancellationToken.None);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var sent = new byte[1 << 20];
        try
        {
            for (; ; )
            {
                await client.SendAsync(sent, timeout.Token);
            }
        }
        catch (OperationCanceledException)
        {
            TcpSocket.ResetOnClose(client);
        }
    }

    private async Task RefusedAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Http, CancellationToken.None);
        await LocalService.SendAllAsync(client, Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n"), 1000);
        Assert.StartsWith("HTTP/1.1 502 ", Encoding.ASCII.GetString(await LocalService.ReadAllAsync(client)));
    }

    private async Task ScrapeAsync()
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", world.Relay.MetricsEndPoint!.Port, CancellationToken.None);
        await LocalService.SendAllAsync(client, Encoding.ASCII.GetBytes($"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{world.Relay.MetricsEndPoint.Port}\r\n\r\n"), 1000);
        Assert.Contains("mproxy_", Encoding.ASCII.GetString(await LocalService.ReadAllAsync(client)));
        await Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None);
    }

    /// <summary>On loopback, source ports are given again soon: to another port of the relay, while the first is still on the link.</summary>
    private bool IsDuplicate() => Interlocked.Increment(ref _duplicates) <= world.Relay.DuplicateCount;

    private static async Task ReadAsync(Socket client, Memory<byte> got)
    {
        while (!got.IsEmpty)
        {
            var count = await client.ReceiveAsync(got, CancellationToken.None);
            Assert.NotEqual(0, count);
            got = got[count..];
        }
    }

    private static async Task<byte[]?> TryReceiveAsync(UdpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            return (await client.ReceiveAsync(timeout.Token)).Buffer;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
