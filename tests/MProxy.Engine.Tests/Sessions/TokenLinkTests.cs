using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A device serves what its tokens allow, and no longer than they do.</summary>
public class TokenLinkTests
{
    private readonly EventLog _events = new();

    [Fact]
    public async Task A_link_with_a_token_has_its_grants_and_its_port_opens_and_closes_with_it()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        await MemoryWorld.IsRefusedAsync(port);
        var link = await world.ConnectLinkAsync(world.NewToken([port], "d1"));
        Assert.Equal(["https device.example", $"tcp 127.0.0.1:{port}"], link.Grants.Select(grant => $"{grant}"));
        Assert.Equal([1L], link.Versions);
        Assert.Contains("add_token", link.Commands);
        Assert.NotNull(link.RoundTrip);
        Assert.Contains(port, world.Relay.OpenPort);
        await link.StopAsync(cancellationToken: MemoryWorld.Token);
        await world.Events.NextAsync(EventKind.LinkLost);
        await GoneAsync(port);
    }

    [Fact]
    public async Task A_client_of_a_granted_port_reaches_the_device_that_has_it_and_no_other()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var one = await world.ConnectLinkAsync(world.NewToken([first]));
        var two = await world.ConnectLinkAsync(world.NewToken([second]));
        var (client, connection) = await MemoryWorld.ConnectAsync(two, second);
        Assert.Equal(second, connection.ServicePort);
        client.Dispose();
        Assert.Equal(0, one.ClientCount);
    }

    [Fact]
    public async Task An_expired_token_closes_its_clients_and_its_port_at_once_and_then_the_link()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var link = await world.ConnectLinkAsync(world.NewToken([port], expiresIn: TimeSpan.FromSeconds(5)));
        link.EventRaised += _events.Take;
        var (client, _) = await MemoryWorld.ConnectAsync(link, port);
        world.Time.Advance(TimeSpan.FromSeconds(5));
        await MemoryWorld.IsResetAsync(client);
        await MemoryWorld.IsRefusedAsync(port);
        Assert.Equal(ErrorCode.TokenExpired, (await _events.NextAsync(EventKind.PeerError)).Code);
        Assert.Equal(ErrorCode.NotGranted, (await link.ReceiveFrameAsync(MemoryWorld.Token))!.Code);

        // Without any token left, the relay lets the link go after a while, and the device knows that it is of no use to come back.
        world.Time.Advance(TimeSpan.FromSeconds(10));
        await link.Ended.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(LinkState.Refused, link.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deleted_token_closes_its_clients_and_ports_and_leaves_those_of_others(bool all)
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var (one, two) = (world.NewToken([first]), world.NewToken([second]));
        var link = await world.ConnectLinkAsync(one);
        Assert.True((await link.SendControlAsync("authz", [two], MemoryWorld.Token)).Success);
        var (ofFirst, _) = await MemoryWorld.ConnectAsync(link, first);
        var (ofSecond, _) = await MemoryWorld.ConnectAsync(link, second);

        Assert.True((await link.SendControlAsync("delete_token", [all ? "*" : one], MemoryWorld.Token)).Success);
        await MemoryWorld.IsResetAsync(ofFirst);
        await MemoryWorld.IsRefusedAsync(first);
        if (all)
        {
            await MemoryWorld.IsResetAsync(ofSecond);
        }
        else
        {
            Assert.True(await link.SendFrameAsync(FrameKind.Message, ClientIdentity.ToSocketId((System.Net.IPEndPoint)ofSecond.LocalEndPoint!), new byte[] { 7 }, MemoryWorld.Token));
            await LocalService.ReadExactlyAsync(ofSecond, new byte[1]);
        }

        var again = await link.SendControlAsync("delete_token", [one], MemoryWorld.Token);
        Assert.Equal(ErrorCode.InvalidToken, again.Code);
    }

    [Fact]
    public async Task A_device_that_comes_back_takes_over_from_its_stale_link_at_once()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var token = world.NewToken([port], "d1");
        var stale = await world.ConnectLinkAsync(token);
        stale.EventRaised += _events.Take;
        var (orphan, _) = await MemoryWorld.ConnectAsync(stale, port);
        var back = await world.ConnectLinkAsync(token);
        var (client, connection) = await MemoryWorld.ConnectAsync(back, port);
        Assert.Equal(FrameKind.Connection, connection.Kind);
        client.Dispose();
        await MemoryWorld.IsResetAsync(orphan);
        Assert.Equal(ErrorCode.Replaced, (await _events.NextAsync(EventKind.PeerError)).Code);
    }

    [Fact]
    public async Task Links_without_an_id_share_a_port_in_turn_and_the_last_closes_it()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var token = world.NewToken([port]);
        var links = new[] { await world.ConnectLinkAsync(token), await world.ConnectLinkAsync(token) };
        var frames = links.Select(link => link.ReceiveFrameAsync(MemoryWorld.Token)).ToList();
        var clients = new[] { await MemoryWorld.ConnectAsync(port), await MemoryWorld.ConnectAsync(port) };
        await Task.WhenAll(frames);
        await links[0].StopAsync(cancellationToken: MemoryWorld.Token);
        await world.Events.NextAsync(EventKind.LinkLost);
        var (third, _) = await MemoryWorld.ConnectAsync(links[1], port);
        third.Dispose();
        await links[1].StopAsync(cancellationToken: MemoryWorld.Token);
        await world.Events.NextAsync(EventKind.LinkLost);
        await GoneAsync(port);
        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public async Task A_port_that_the_relay_does_not_give_away_is_refused_with_a_reason()
    {
        await using var world = NewWorld();
        var error = await Assert.ThrowsAsync<LinkException>(() => world.ConnectLinkAsync(world.NewToken([FreePort.Take()])));
        Assert.Equal(ErrorCode.NotGranted, error.Code);
        Assert.Contains("not one that the relay gives away", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_no_message_has_room_for_are_refused_and_the_link_goes_on()
    {
        await using var world = NewWorld();
        var link = await world.ConnectLinkAsync(LongNames(0));
        var token = 1;
        ControlReply reply;
        do
        {
            reply = await link.SendControlAsync("add_token", [LongNames(token++)], MemoryWorld.Token);
        }
        while (reply.Success);

        Assert.Equal(ErrorCode.NotGranted, reply.Code);
        Assert.Contains("32768 bytes", reply.Message, StringComparison.Ordinal);
        Assert.True((await link.SendControlAsync("ping", [], MemoryWorld.Token)).Success);
        Assert.Equal(LinkState.Connected, link.State);
        Assert.InRange(link.Grants.Sum(grant => grant.Name.Length), 27 << 10, 32 << 10);

        // As many as fit into one token.
        string LongNames(int number) => TokenLibrary.Load().Create(
            new TokenClaims { Grant = new Grant { Domains = [.. Enumerable.Range(0, 20).Select(i => $"{string.Concat(Enumerable.Repeat($"{new string('a', 62)}.", 3))}n{number}-{i}.{new string('b', 50)}")] } },
            MemoryWorld.Key,
            world.Time.GetUtcNow());
    }

    [Fact]
    public async Task Port_zero_is_a_free_one_of_the_relays_choice_and_the_grant_says_which()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var link = await world.ConnectLinkAsync(world.NewToken([0]));
        Assert.Equal([port], link.Grants[^1].Ports);
    }

    [Fact]
    public async Task A_link_that_shows_no_token_is_closed_in_time_and_gets_no_client_before()
    {
        await using var world = new MemoryWorld(options => options with { Keys = [MemoryWorld.Key] });
        var link = await world.ConnectLinkAsync();
        await MemoryWorld.IsResetAsync(world.Relay.TcpPort[0]);
        Assert.Equal(1, world.Relay.RefusedCount);
        world.Time.Advance(TimeSpan.FromSeconds(10));
        await link.Ended.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(LinkState.Refused, link.State);
    }

    [Fact]
    public async Task A_replacement_token_is_shown_after_the_next_reconnect()
    {
        using var first = new RawPeer();
        using var second = new RawPeer();
        await using var world = new MemoryWorld();
        var peers = new Queue<RawPeer>([first, second]);
        var connecting = DeviceLink.ConnectAsync(world.Options(["old"]) with { Dialer = _ => Task.FromResult(peers.Dequeue().ToCarrier(world.Time)) }, world.Time, MemoryWorld.Token);
        await first.GreetAsync();
        await AcceptTokenAsync(first, "old");
        var link = world.Own(await connecting);
        link.EventRaised += _events.Take;
        await first.SayAsync("[3,\"access_token\",{\"jwt\":\"new\"}]");
        first.Dispose();
        await _events.NextAsync(EventKind.LinkLost);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await second.GreetAsync();
        await AcceptTokenAsync(second, "new");
        await _events.NextAsync(EventKind.LinkUp);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_may_come_with_the_upgrade_in_the_address_or_in_a_header(bool inAddress)
    {
        await using var world = new MemoryWorld();
        var token = world.NewToken([], "d1");
        await using var relay = RelayServer.Start(WorldOptions.Relays("ws://127.0.0.1:0") with { Keys = [MemoryWorld.Key] }, world.Time);
        var address = $"ws://127.0.0.1:{relay.Listen[0].Port}/";
        var dial = CarrierWorld.Direct;
        var options = inAddress
            ? new DeviceLinkOptions { Relay = CarrierUri.Parse($"{address}?access_token={token}"), Dial = dial }
            : new DeviceLinkOptions { Relay = CarrierUri.Parse(address), Dial = dial with { Headers = new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" } } };
        await using var link = await DeviceLink.ConnectAsync(options, cancellationToken: MemoryWorld.Token);
        Assert.Equal(["https device.example"], link.Grants.Select(grant => $"{grant}"));
        Assert.DoesNotContain(token, $"{link.RelayUri}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_token_in_the_address_is_refused_for_good()
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays("ws://127.0.0.1:0") with { Keys = [MemoryWorld.Key] });
        var options = new DeviceLinkOptions { Relay = CarrierUri.Parse($"ws://127.0.0.1:{relay.Listen[0].Port}/?access_token=nonsense"), Dial = CarrierWorld.Direct };
        var error = await Assert.ThrowsAsync<LinkException>(() => DeviceLink.ConnectAsync(options, cancellationToken: MemoryWorld.Token));
        Assert.True(error.IsFinal, error.Message);
        Assert.DoesNotContain("nonsense", error.ToString(), StringComparison.Ordinal);
    }

    private static MemoryWorld NewWorld(params int[] ports) =>
        new(options => options with { TcpPort = [], Keys = [MemoryWorld.Key], GrantedPort = ports });

    /// <summary>A relay of the reference's kind: acknowledges, then grants.</summary>
    private static async Task AcceptTokenAsync(RawPeer peer, string token)
    {
        await peer.AcceptAsync($",\"add_token\",\"{token}\"]");
        await peer.SayAsync("[2,\"grant\",[[\"ssh+https\",\"d.example\",443],[\"tcp\",\"tcp.example\",[9000]]]]");
    }

    /// <summary>The port closes a moment after the event of its last link.</summary>
    private static async Task GoneAsync(int port)
    {
        for (; ; )
        {
            try
            {
                using var client = await MemoryWorld.ConnectAsync(port);
                await Task.Yield();
            }
            catch (System.Net.Sockets.SocketException)
            {
                return;
            }

            MemoryWorld.Token.ThrowIfCancellationRequested();
        }
    }
}
