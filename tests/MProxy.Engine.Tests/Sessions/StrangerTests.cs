using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>Who comes where devices do and shows no token: few of them have room, they are told of as what they are, and they keep no device out.</summary>
public sealed class StrangerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tcp")]
    [InlineData("ws")]
    [InlineData("tls")]
    public async Task Those_of_one_address_keep_out_nobody_of_another(string scheme)
    {
        await using var relay = RelayServer.Start(Options($"{scheme}://127.0.0.1:0", new RelayLimits { MaxPendingLinks = 5, MaxPendingLinksPerAddress = 3 }));
        List<FrontClient> silent = [];
        for (var i = 0; i < 10; i++)
        {
            silent.Add(await FrontClient.ConnectAsync(relay.Listen[0].Port, "127.0.0.2"));
        }

        await Until.TrueAsync(() => relay.LinkRefusedBy.GetValueOrDefault(CarrierRefusal.TooManyOfAddress) == 7);
        Assert.Equal((3, 0), (relay.Pending.Count, relay.LinkCount));

        // A device has a place until its token was accepted, and no longer.
        var device = WorldOptions.Links(relay.Listen[0]) with { Tokens = [NewToken()] };
        List<DeviceLink> links = [];
        for (var i = 0; i < 4; i++)
        {
            links.Add(await DeviceLink.ConnectAsync(device, cancellationToken: Token));
        }

        Assert.Equal((3, 4), (relay.Pending.Count, relay.LinkCount));
        silent.ForEach(one => one.Dispose());
        await Until.TrueAsync(() => relay.Pending.Count == 0);
        await Task.WhenAll(links.Select(link => link.StopAsync(cancellationToken: Token)));
    }

    [Fact]
    public async Task There_is_room_for_so_many_of_all_addresses_together()
    {
        await using var relay = RelayServer.Start(Options("tcp://127.0.0.1:0", new RelayLimits { MaxPendingLinks = 3 }));
        List<FrontClient> silent = [];
        for (var i = 2; i < 7; i++)
        {
            silent.Add(await FrontClient.ConnectAsync(relay.Listen[0].Port, $"127.0.0.{i}"));
        }

        await Until.TrueAsync(() => relay.LinkRefusedBy.GetValueOrDefault(CarrierRefusal.TooMany) == 2);
        Assert.Equal(3, relay.Pending.Count);
        silent.ForEach(one => one.Dispose());
    }

    [Fact]
    public async Task One_that_greets_is_no_device_and_what_it_reports_is_nobodys_business()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        using var peer = new RawPeer();
        world.Relay.AcceptLink(peer.ToCarrier(world.Time));
        await peer.ReadAsync();
        await peer.SayAsync("[-1,null]");
        for (var i = 0; i < 1000; i++)
        {
            await peer.SayAsync("[0,{\"message\":\"look here\",\"code\":\"E\"}]");
        }

        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
        Assert.Equal((0, null), (world.Relay.LinkCount, world.Relay.RoundTrip));
        peer.Dispose();
        var refused = await world.Events.NextAsync(EventKind.LinkRefused);
        Assert.Contains("is no device", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, world.Relay.LinkRefusedBy.Values.Sum());
        await world.Relay.StopAsync(cancellationToken: Token);
        await world.Relay.EventsHandedOut;
        Assert.Equal(0, world.Events.Count(EventKind.PeerError));
    }

    [Fact]
    public async Task One_that_was_let_in_is_told_of_once_and_in_whatever_order_greeting_and_token_came()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        var link = await world.ConnectLinkAsync(world.NewToken([]));
        await world.Events.NextAsync(EventKind.LinkUp);
        Assert.Equal(1, world.Relay.LinkCount);
        Assert.NotNull(world.Relay.RoundTrip);
        await link.SendControlAsync("add_token", [world.NewToken([], "more")], Token);
        await link.StopAsync(cancellationToken: Token);
        await world.Events.NextAsync(EventKind.LinkLost);
        Assert.Equal((0, 0), (world.Events.Count(EventKind.LinkUp), world.Relay.LinkCount));
    }

    [Fact]
    public async Task A_flood_of_them_is_told_of_in_few_events_and_counted_in_full()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        for (var i = 0; i < 200; i++)
        {
            using var peer = new RawPeer();
            world.Relay.AcceptLink(peer.ToCarrier(world.Time));
        }

        await Until.TrueAsync(() => world.Relay.LinkRefusedBy.Values.Sum() == 200);
        await world.Relay.StopAsync(cancellationToken: Token);
        await world.Relay.EventsHandedOut;
        Assert.Equal(180, world.Relay.UntoldEventCount);
        Assert.Equal(20, world.Events.Count(EventKind.LinkRefused));
    }

    [Theory]
    [InlineData("add_token")]
    [InlineData("check_token")]
    public async Task Tokens_are_tried_twenty_times_and_then_no_more(string command)
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        using var peer = new RawPeer();
        world.Relay.AcceptLink(peer.ToCarrier(world.Time));
        await peer.ReadAsync();
        await peer.SayAsync("[-1,null]");
        for (var id = 1001; id < 1100; id++)
        {
            await peer.SayAsync($"[{id},\"{command}\",\"x.y.z\"]");
        }

        List<string> answers = [];
        while (await peer.ReadAsync() is { } answer)
        {
            answers.Add(answer);
        }

        // Those behind the twentieth are not looked at, as far as they are read at all.
        Assert.All(answers, answer => Assert.Contains(ErrorCode.InvalidToken, answer, StringComparison.Ordinal));
        Assert.Equal(20, answers.FindIndex(answer => answer.Contains("20 tokens of this link were refused", StringComparison.Ordinal)));
        Assert.All(answers.Skip(20), answer => Assert.Contains("20 tokens of this link were refused", answer, StringComparison.Ordinal));
    }

    private static RelayOptions Options(string listen, RelayLimits limits) => WorldOptions.Relays(listen) with { Keys = [MemoryWorld.Key], Limits = limits };

    private static string NewToken() => TokenLibrary.Load().Create(
        new TokenClaims { Grant = new Grant { Domains = ["device.example"] } }, MemoryWorld.Key, DateTimeOffset.UtcNow);
}
