using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A peer that pings below the link without end, and reads none of the answers: they do not pile up, and the link ends in time.</summary>
[Collection("measured")]
public sealed class WebSocketPingTests(ITestOutputHelper output)
{
    // Each thread keeps buffers that it has used for the honest clients beside: some megabytes. Answers that pile up would soon be more.
    private const long MostHeld = 32 << 20;

    private static readonly TimeSpan InTime = TimeSpan.FromSeconds(20);
    private static readonly LinkOptions Impatient = new() { ProbeAfter = TimeSpan.FromMilliseconds(500), ProbeTimeout = TimeSpan.FromMilliseconds(500) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task At_a_relay()
    {
        await using var world = await LiedToRelay.StartAsync("ws", options => options with { Link = Impatient });
        await using var liar = await world.DialDeviceAsync();
        var grown = await PingAsync(liar, () => world.AskWhileAsync(Until.TrueAsync(() => world.Relay.Registry.Links.Length == 1)));
        await world.Relay.EventsHandedOut;
        Assert.Equal(ErrorCode.Timeout, Assert.Single(world.Events, one => one.Kind == EventKind.LinkLost).Code);
        Assert.InRange(grown, long.MinValue, MostHeld);
    }

    [Fact]
    public async Task At_a_device()
    {
        using var listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var connecting = DeviceLink.ConnectAsync(WorldOptions.Links(CarrierUri.Parse($"ws://{listener.LocalEndPoint}")) with { Link = Impatient }, cancellationToken: Token);
        await using var liar = new Liar(await LyingPeer.AcceptAsync("ws", await listener.AcceptAsync(Token), Token), isRelay: true, new Random(1), () => [], Token);
        await liar.SayAsync(Moves.GreetingMoves.Hello);
        await liar.AcceptNextAsync();
        await using var link = await connecting;
        Sessions.EventLog events = new();
        link.EventRaised += events.Take;
        Event? lost = null;
        var grown = await PingAsync(liar, async () => lost = await events.NextAsync(EventKind.LinkLost));
        Assert.Equal(ErrorCode.Timeout, lost!.Code);
        Assert.InRange(grown, long.MinValue, MostHeld);
    }

    /// <summary>Pings until nothing more is taken, and as long as the link is up. How much the heap grows meanwhile.</summary>
    private async Task<long> PingAsync(Liar liar, Func<Task> end)
    {
        var pings = Enumerable.Repeat(liar.Frame(LyingWebSocket.Final | LyingWebSocket.Ping, new byte[125]), 1000).SelectMany(one => one).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        liar.StopListening();
        var ended = end().WaitAsync(InTime, Token);
        long most = 0, sent = 0;
        for (; !ended.IsCompleted && !liar.IsOver; sent += 1000)
        {
            await liar.SendRawAsync(pings);
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        await ended;
        output.WriteLine($"{sent} pings, {most >> 10} KiB");
        return most;
    }
}
