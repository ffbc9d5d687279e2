using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A relay with two ports for clients: one of an honest device, and one of whoever lies. Nothing may be left open at its end.</summary>
internal sealed class LiedToRelay : IAsyncDisposable
{
    private readonly TokenKey _key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));
    private readonly FrontService _service = new(new KnownBytes().ServeAsync);
    private readonly string _scheme;
    private Tunnel? _tunnel;

    private LiedToRelay(string scheme, Func<RelayOptions, RelayOptions>? options)
    {
        _scheme = scheme;
        var usual = WorldOptions.Relays($"{scheme}://127.0.0.1:0") with { TcpPort = [0, 0], Keys = [_key], Limits = HonestClients.Limits };
        Relay = RelayServer.Start(options?.Invoke(usual) ?? usual);
        Relay.EventRaised += (_, happened) => Events.Enqueue(happened);
    }

    public RelayServer Relay { get; }

    public ConcurrentQueue<Event> Events { get; } = new();

    public int HonestPort => Relay.TcpPort[0];

    /// <summary>Where the clients of whoever lies come in.</summary>
    public int LyingPort => Relay.TcpPort[1];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<LiedToRelay> StartAsync(string scheme = "tcp", Func<RelayOptions, RelayOptions>? options = null)
    {
        var world = new LiedToRelay(scheme, options);
        var link = WorldOptions.Links(world.Relay.Listen[0]) with { Tokens = [world.TokenFor(world.HonestPort)] };
        world._tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(link, "tcp", world._service.Target), cancellationToken: Token);
        return world;
    }

    public string TokenFor(int port) => TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Ports = [port] } }, _key, DateTimeOffset.UtcNow);

    /// <summary>Who is going to lie, so far not known to the relay.</summary>
    public async Task<Liar> DialAsync() => new(
        await LyingPeer.DialAsync(_scheme, Relay.Listen[0].Port, Token, receiveBuffer: 8 << 10), isRelay: false, new Random(1), () => [], Token);

    /// <summary>One that the relay takes for a device.</summary>
    public async Task<Liar> DialDeviceAsync()
    {
        var liar = await DialAsync();
        await liar.SayAsync("[-1,null]");
        await liar.SayAsync($"[1999,\"add_token\",\"{TokenFor(LyingPort)}\"]");
        await Until.TrueAsync(() => Relay.LinkCount == 2);
        return liar;
    }

    /// <summary>A client of whoever lies, and how the relay calls it.</summary>
    public async Task<(Socket Client, string Identity)> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", LyingPort, Token);
        var identity = $"IPv4,127.0.0.1,{((System.Net.IPEndPoint)client.LocalEndPoint!).Port}";
        await Until.TrueAsync(() => Relay.Connections.Any(one => one.SocketId == identity));
        return (client, identity);
    }

    /// <summary>Clients of the honest device while something else goes on: each has its bytes, and how long the slowest took.</summary>
    /// <param name="something">What goes on.</param>
    /// <param name="between">The time between two of them.</param>
    public async Task<TimeSpan> AskWhileAsync(Task something, TimeSpan between = default)
    {
        var honest = new HonestClients(HonestPort, 1);
        await honest.RunAsync(() => !something.IsCompleted, Token, between);
        await something;
        return honest.Slowest;
    }

    public async ValueTask DisposeAsync()
    {
        await (_tunnel?.DisposeAsync() ?? default);
        await Relay.DisposeAsync();
        await _service.DisposeAsync();
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{_tunnel!.Ledger}");
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Relay.Ledger}");
        Assert.Equal((0, 0), (Relay.Admission.Count, Relay.Admission.Arrivals.Count));
    }
}
