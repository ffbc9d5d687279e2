using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tokens;
using Nerdbank.Streams;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A relay and devices joined by streams in memory, with a clock that the test moves.</summary>
internal sealed class MemoryWorld : IAsyncDisposable
{
    private CancellationTokenSource _cut = new();
    private readonly List<IAsyncDisposable> _owned = [];

    public MemoryWorld(Func<RelayOptions, RelayOptions>? options = null, ManualTime? time = null)
    {
        Time = time ?? new ManualTime(Start);
        Relay = StartRelay(options ?? (relay => relay));
        Relay.EventRaised += Events.Take;
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TokenKey Key { get; } = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));

    /// <summary>What its clock says at first.</summary>
    public static DateTimeOffset Start { get; } = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    public ManualTime Time { get; }

    public RelayServer Relay { get; }

    public EventLog Events { get; } = new();

    public static Task<Socket> ConnectAsync(int port) => TcpSocket.ConnectAsync("127.0.0.1", port, Token);

    /// <summary>The client's connection was reset: it ended, and not in order.</summary>
    public static async Task IsResetAsync(Socket client) =>
        await Assert.ThrowsAsync<SocketException>(() => LocalService.ReadAllAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Token));

    /// <summary>A client that nobody takes is reset, before or after it knows that it was accepted.</summary>
    public static async Task IsResetAsync(int port) => await Assert.ThrowsAsync<SocketException>(async () =>
    {
        using var client = await ConnectAsync(port);
        await LocalService.ReadAllAsync(client);
    });

    /// <summary>A client that comes to a script device, which is there before it.</summary>
    public static async Task<(Socket Client, Frame Connection)> ConnectAsync(DeviceLink device, int port)
    {
        var connection = device.ReceiveFrameAsync(Token);
        var client = await ConnectAsync(port);
        return (client, (await connection.WaitAsync(TimeSpan.FromSeconds(20), Token))!);
    }

    /// <summary>Nobody listens there.</summary>
    public static async Task IsRefusedAsync(int port)
    {
        Socket? client = null;
        if (await Record.ExceptionAsync(async () => client = await ConnectAsync(port)) is null)
        {
            // A process that another test starts had a copy of the listener, and lets go of it when it runs its own program. Where the port is open, this takes until its time is over.
            using var stray = client!;
            await Record.ExceptionAsync(() => LocalService.ReadAllAsync(stray).WaitAsync(TimeSpan.FromSeconds(5), Token));
        }

        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(port))).SocketErrorCode);
    }

    public RelayServer StartRelay(Func<RelayOptions, RelayOptions> options)
    {
        var relay = RelayServer.Start(options(new RelayOptions { Name = "memory", TcpPort = [0] }), Time);
        _owned.Add(relay);
        return relay;
    }

    public string NewToken(int[] ports, string id = "", TimeSpan? expiresIn = null, TokenKey? key = null) => TokenLibrary.Load().Create(
        new TokenClaims { Grant = new Grant { Id = id, Ports = ports, Domains = ["device.example"], Expires = expiresIn is { } span ? Time.GetUtcNow() + span : null } },
        key ?? Key,
        Time.GetUtcNow());

    /// <summary>How a device gets to this world's relay, or to another one.</summary>
    public DeviceLinkOptions Options(string[]? tokens = null, RelayServer? relay = null) => new()
    {
        Tokens = tokens ?? [],
        Random = new HalfRandom(),
        Dialer = _ => Task.FromResult(Dial(relay ?? Relay)),
    };

    public async Task<DeviceLink> ConnectLinkAsync(params string[] tokens) => Own(await DeviceLink.ConnectAsync(Options(tokens), Time, Token));

    /// <summary>A link to a peer that the test plays.</summary>
    public async Task<DeviceLink> ConnectLinkAsync(RawPeer peer, LinkOptions? options = null)
    {
        var connecting = DeviceLink.ConnectAsync(Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(Time)), Link = options ?? new LinkOptions() }, Time, Token);
        await peer.GreetAsync();
        return Own(await connecting);
    }

    public T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public Carrier Dial(RelayServer relay)
    {
        var (near, far) = FullDuplexStream.CreatePair();
        relay.AcceptLink(Carrier.FromStream(new CutStream(far, _cut.Token), Time));
        return Carrier.FromStream(new CutStream(near, _cut.Token), Time);
    }

    /// <summary>Cuts every link there is.</summary>
    public void Cut() => Interlocked.Exchange(ref _cut, new CancellationTokenSource()).Cancel();

    /// <summary>Lets time pass until a link that was lost is up: the relay may not have seen yet that the one before is gone, and then it takes another try.</summary>
    public async Task UntilUpAsync(EventLog events)
    {
        do
        {
            Time.Advance(TimeSpan.FromSeconds(1));
        }
        while ((await events.NextAsync(EventKind.LinkUp, EventKind.LinkLost)).Kind == EventKind.LinkLost);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }

        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Relay.Ledger}");
        Assert.Equal((0, 0), (Relay.Admission.Count, Relay.Admission.Arrivals.Count));
        Assert.All(_owned.OfType<DeviceLink>(), link => Assert.Equal("0 open, 0 buffers, 0 loops", $"{link.Ledger}"));
    }
}
