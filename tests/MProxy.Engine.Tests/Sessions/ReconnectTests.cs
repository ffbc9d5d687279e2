using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A device's link comes back by itself, with patience, and knows when to give up.</summary>
public class ReconnectTests
{
    private readonly EventLog _events = new();

    [Fact]
    public async Task A_lost_link_is_dialled_again_with_growing_waits_until_the_relay_is_there()
    {
        // A clock that jumps past a probe and its time-out would end a link whose answer is just on its way.
        var unprobed = new LinkOptions { ProbeAfter = TimeSpan.FromMinutes(5) };
        await using var world = new MemoryWorld(options => options with { Link = unprobed });
        var failures = 0;
        var dial = world.Options().Dialer!;
        var link = world.Own(await DeviceLink.ConnectAsync(
            world.Options() with
            {
                Link = unprobed,
                Dialer = cancel => failures-- > 0 ? throw new CarrierException(CarrierStage.Connect, "refused") : dial(cancel),
            },
            world.Time,
            MemoryWorld.Token));
        link.EventRaised += _events.Take;
        failures = 3;
        world.Cut();
        foreach (var wait in new[] { 0.25, 0.5, 1, 2 })
        {
            var lost = await _events.NextAsync(EventKind.LinkLost);
            Assert.EndsWith($"Next try in {wait:0.0} s.", lost.Message, StringComparison.Ordinal);
            Assert.Equal(LinkState.Reconnecting, link.State);
            Assert.Null(link.SocketId);
            world.Time.Advance(TimeSpan.FromSeconds(wait));
        }

        await _events.NextAsync(EventKind.LinkUp);
        Assert.Equal(LinkState.Connected, link.State);

        // Up for a minute: the waits start from the shortest again.
        world.Time.Advance(TimeSpan.FromSeconds(60));
        world.Cut();
        Assert.EndsWith("Next try in 0.3 s.", (await _events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_refused_after_a_reconnect_ends_the_link_for_good()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        var other = world.StartRelay(options => options with { Keys = [TokenKey.FromSecret(new byte[32])] });
        var dials = 0;
        var link = world.Own(await DeviceLink.ConnectAsync(
            world.Options([world.NewToken([])]) with { Dialer = _ => Task.FromResult(world.Dial(dials++ == 0 ? world.Relay : other)) }, world.Time, MemoryWorld.Token));
        link.EventRaised += _events.Take;
        world.Cut();
        await _events.NextAsync(EventKind.LinkLost);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        var refused = await _events.NextAsync(EventKind.LinkRefused);
        Assert.Equal(ErrorCode.InvalidToken, refused.Code);
        await link.Ended.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(LinkState.Refused, link.State);
        Assert.Equal(2, dials);
    }

    [Fact]
    public async Task A_first_refusal_says_why_in_code_and_message_and_without_the_token()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        var token = world.NewToken([], expiresIn: TimeSpan.FromSeconds(-1));
        var error = await Assert.ThrowsAsync<LinkException>(() => world.ConnectLinkAsync(token));
        Assert.Equal(ErrorCode.InvalidToken, error.Code);
        Assert.Contains("expired", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(token.Split('.')[1], error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_relay_that_goes_silent_is_probed_and_given_up_and_its_clients_end()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        link.EventRaised += _events.Take;
        world.Time.Advance(TimeSpan.FromSeconds(15.1));
        await peer.AnswerPingAsync();

        // That was life, and is known when what came behind it is answered. The next silence is not broken.
        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
        world.Time.Advance(TimeSpan.FromSeconds(15.1));
        Assert.EndsWith(",\"ping\"]", await peer.ReadAsync(), StringComparison.Ordinal);
        world.Time.Advance(TimeSpan.FromSeconds(10.1));
        Assert.Contains("silent", (await _events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_cannot_be_dialled_again_and_ends_with_its_link()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var connecting = DeviceLink.ConnectAsync(new DeviceLinkOptions { Stream = peer.Other }, world.Time, MemoryWorld.Token);
        await peer.GreetAsync();
        var link = world.Own(await connecting);
        Assert.Equal("stream", link.Carrier);
        peer.Dispose();
        await link.Ended.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(LinkState.Stopped, link.State);
    }

    [Fact]
    public async Task A_relay_that_closes_in_the_middle_of_a_frame_is_told_so()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        link.EventRaised += _events.Take;
        await peer.SendRawAsync(new byte[] { 254, 40, (byte)'I' });
        peer.Dispose();
        Assert.Contains("39 more byte(s)", (await _events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tunnel_with_several_relays_keeps_a_link_to_each()
    {
        // Nobody is probed: the clock runs much faster than anybody could answer.
        var patient = new LinkOptions { ProbeAfter = TimeSpan.FromDays(1) };
        await using var world = new MemoryWorld(options => options with { Link = patient });
        var other = world.StartRelay(options => options with { Link = patient });
        var down = true;
        var second = world.Options(relay: other) with { Link = patient };
        var tunnel = world.Own(await Tunnel.StartAsync(
            new TunnelOptions
            {
                Name = "two",
                Service = new ServiceMap([]),
                Relays = [world.Options() with { Link = patient }, second with { Dialer = cancel => down ? throw new CarrierException(CarrierStage.Connect, "refused") : second.Dialer!(cancel) }],
            },
            world.Time,
            MemoryWorld.Token));
        tunnel.EventRaised += _events.Take;
        Assert.Equal(LinkState.Connected, tunnel.State);
        down = false;
        await WaitForAsync(tunnel.Links[1], world);
        Assert.Equal((1, 1), (world.Relay.LinkCount, other.LinkCount));
    }

    private static async Task WaitForAsync(DeviceLink link, MemoryWorld world)
    {
        while (link.State != LinkState.Connected)
        {
            world.Time.Advance(TimeSpan.FromSeconds(0.1));
            await Task.Yield();
            MemoryWorld.Token.ThrowIfCancellationRequested();
        }
    }
}
