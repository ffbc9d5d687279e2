using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Datagrams;

/// <summary>A relay with a port of UDP, a device, and a service that answers datagrams. Nothing may be left open at its end.</summary>
internal sealed class DatagramWorld : IAsyncDisposable
{
    private readonly UdpClient _service = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<byte[], byte[][]> _answer;
    private Task _serving = Task.CompletedTask;

    private DatagramWorld(Func<byte[], byte[][]> answer, Func<RelayOptions, RelayOptions>? options, TimeProvider time)
    {
        _answer = answer;
        var usual = WorldOptions.Relays() with { TcpPort = [0], UdpPort = [0], DnsPort = [0] };
        Relay = RelayServer.Start(options?.Invoke(usual) ?? usual, time);
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public RelayServer Relay { get; }

    public Tunnel Tunnel { get; private set; } = null!;

    /// <summary>Where the service was asked from, each once.</summary>
    public ConcurrentDictionary<IPEndPoint, int> Asked { get; } = [];

    public IPEndPoint Udp => new(IPAddress.Loopback, Relay.UdpPort[0]);

    public IPEndPoint Dns => new(IPAddress.Loopback, Relay.DnsPort[0]);

    public string Target => $"{_service.Client.LocalEndPoint}";

    /// <param name="answer">What the service answers a datagram with; the same unless given.</param>
    /// <param name="options">Another relay than the usual.</param>
    /// <param name="tunnel">Another tunnel than the usual.</param>
    /// <param name="time">The relay's clock.</param>
    public static async Task<DatagramWorld> StartAsync(
        Func<byte[], byte[][]>? answer = null, Func<RelayOptions, RelayOptions>? options = null, Func<TunnelOptions, TunnelOptions>? tunnel = null, TimeProvider? time = null)
    {
        var world = new DatagramWorld(answer ?? (asked => [asked]), options, time ?? TimeProvider.System);
        world._serving = Task.Run(world.ServeAsync);
        var usual = WorldOptions.Tunnels(world.Relay.Listen[0].Port, "*", $"udp://{world.Target}");
        world.Tunnel = await Tunnel.StartAsync(tunnel?.Invoke(usual) ?? usual, cancellationToken: Token);
        return world;
    }

    public static UdpClient NewClient(IPEndPoint relay, IPAddress? from = null)
    {
        var client = new UdpClient(new IPEndPoint(from ?? IPAddress.Loopback, 0));
        client.Connect(relay);
        return client;
    }

    /// <summary>The next datagram; fails where none comes in twenty seconds.</summary>
    public static async Task<byte[]> ReceiveAsync(UdpClient client)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Token);
        timeout.CancelAfter(TimeSpan.FromSeconds(20));
        return (await client.ReceiveAsync(timeout.Token)).Buffer;
    }

    public static async Task<byte[]> AskAsync(UdpClient client, byte[] question)
    {
        await client.SendAsync(question, Token);
        return await ReceiveAsync(client);
    }

    /// <summary>Asks until there is an answer to this question, as clients of datagrams do. One to an earlier question may come late, where that was asked twice.</summary>
    public static async Task AskAgainAsync(UdpClient client, byte[] question)
    {
        var answered = HearAsync();
        do
        {
            await client.SendAsync(question, Token);
        }
        while (await Task.WhenAny(answered, Task.Delay(TimeSpan.FromMilliseconds(200), Token)) != answered);
        await answered;

        async Task HearAsync()
        {
            while (!(await ReceiveAsync(client)).AsSpan().SequenceEqual(question))
            {
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Tunnel.DisposeAsync();
        await Relay.DisposeAsync();
        await _stopping.CancelAsync();
        await _serving;
        _service.Dispose();
        _stopping.Dispose();
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Tunnel.Ledger}");
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Relay.Ledger}");
        Assert.Equal((0, 0), (Relay.Admission.Count, Relay.ClientCount));
    }

    private async Task ServeAsync()
    {
        try
        {
            for (; ; )
            {
                var asked = await _service.ReceiveAsync(_stopping.Token);
                Asked.AddOrUpdate(asked.RemoteEndPoint, 1, (_, count) => count + 1);
                foreach (var answer in _answer(asked.Buffer))
                {
                    await _service.SendAsync(answer, asked.RemoteEndPoint, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
