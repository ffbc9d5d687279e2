using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>Tokens that come, go and expire while a link is up, in the middle of everything else.</summary>
public class TokenChangeTests
{
    private readonly EventLog _events = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_link_whose_other_token_has_expired_comes_back_after_a_loss(bool samePort)
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var link = await world.ConnectLinkAsync(world.NewToken([first], expiresIn: TimeSpan.FromSeconds(5)));
        link.EventRaised += _events.Take;
        var kept = samePort ? first : second;
        Assert.True((await link.SendControlAsync("add_token", [world.NewToken([kept], expiresIn: TimeSpan.FromHours(5))], Token)).Success);
        world.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ErrorCode.TokenExpired, (await _events.NextAsync(EventKind.PeerError)).Code);
        world.Cut();
        await _events.NextAsync(EventKind.LinkLost);
        world.Time.Advance(TimeSpan.FromSeconds(1));

        // The one that is refused now is dropped, which is said.
        Assert.Equal(ErrorCode.InvalidToken, (await _events.NextAsync(EventKind.PeerError)).Code);
        await _events.NextAsync(EventKind.LinkUp);
        Assert.Equal(LinkState.Connected, link.State);
        Assert.Equal([kept], link.Grants.SelectMany(grant => grant.Ports).Where(port => port != 443));
        Assert.Single(link.Tokens.All);
    }

    [Fact]
    public async Task A_device_that_comes_back_gets_the_port_of_the_relays_choice_that_its_stale_link_holds()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var token = world.NewToken([0], "d1");
        await world.ConnectLinkAsync(token);
        var back = await world.ConnectLinkAsync(token);
        Assert.Equal([port], back.Grants[^1].Ports);
        var (client, _) = await MemoryWorld.ConnectAsync(back, port);
        client.Dispose();
    }

    [Fact]
    public async Task A_stale_link_that_still_speaks_takes_nothing_back()
    {
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        var token = world.NewToken([port], "d1");
        var stale = await world.ConnectLinkAsync(token);
        var atRelay = world.Relay.Registry.Links[0];
        var back = await world.ConnectLinkAsync(token);
        atRelay.Replace();
        try
        {
            var reply = await stale.SendControlAsync("add_token", [token], Token);
            Assert.Contains(reply.Code, new[] { ErrorCode.Replaced, ErrorCode.LinkLost });
        }
        catch (LinkException)
        {
            // Gone already.
        }

        Assert.True((await back.SendControlAsync("ping", [], Token)).Success);
        var (client, _) = await MemoryWorld.ConnectAsync(back, port);
        client.Dispose();
    }

    [Fact]
    public async Task The_grants_that_a_device_knows_of_follow_a_deleted_token()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var (one, two) = (world.NewToken([first]), world.NewToken([second]));
        var link = await world.ConnectLinkAsync(one, two);
        Assert.Contains(link.Grants, grant => grant.Ports.Contains(first));
        Assert.True((await link.SendControlAsync("delete_token", [one], Token)).Success);
        await link.SendControlAsync("ping", [], Token);
        Assert.DoesNotContain(link.Grants, grant => grant.Ports.Contains(first));
        Assert.Contains(link.Grants, grant => grant.Ports.Contains(second));
    }

    [Fact]
    public async Task A_relay_that_asks_for_no_token_goes_on_when_one_is_deleted()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        Assert.True((await link.SendControlAsync("delete_token", ["*"], Token)).Success);
        Assert.True((await link.SendControlAsync("add_token", ["x"], Token)).Success);
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        client.Dispose();
    }

    [Fact]
    public async Task A_client_that_was_routed_before_its_token_was_deleted_is_not_brought_any_more()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var (one, two) = (world.NewToken([first]), world.NewToken([second]));
        var link = await world.ConnectLinkAsync(one, two);
        var meta = new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = "tcp", ServicePort = first };

        // The relay has found this link for a client, and at that moment the token goes.
        var candidate = Assert.Single(world.Relay.Registry.Candidates(meta));
        Assert.True((await link.SendControlAsync("delete_token", [one], Token)).Success);
        Assert.Equal(OpenResult.Unavailable, candidate.TryOpen(meta, (_, _) => throw new InvalidOperationException("It was brought to the device.")));
    }

    [Fact]
    public async Task What_waits_for_a_client_is_not_delivered_when_its_token_was_deleted()
    {
        var port = FreePort.Take();

        // The relay holds more than any socket does, so that all is here, and both sides have ended, before the client has read it.
        await using var world = new MemoryWorld(options => options with
        {
            TcpPort = [],
            GrantedPort = [port],
            Keys = [MemoryWorld.Key],
            Link = new LinkOptions { HighMark = 64 << 20, ClientBound = 64 << 20 },
        });
        var token = world.NewToken([port]);
        var link = await world.ConnectLinkAsync(token);
        var (client, connection) = await MemoryWorld.ConnectAsync(link, port);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(FrameKind.End, (await link.ReceiveFrameAsync(Token))!.Kind);
        Assert.True(await link.SendFrameAsync(FrameKind.Message, connection.SocketId!, new byte[16 << 20], Token));
        Assert.True(await link.SendFrameAsync(FrameKind.End, connection.SocketId!, default, Token));
        Assert.True((await link.SendControlAsync("ping", [], Token)).Success);
        Assert.Equal(0, world.Relay.ClientCount);
        Assert.True((await link.SendControlAsync("delete_token", [token], Token)).Success);
        await MemoryWorld.IsResetAsync(client);
        client.Dispose();
    }

    [Fact]
    public async Task A_token_that_comes_while_the_relay_drains_is_refused_for_now_and_cuts_nothing()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var link = await world.ConnectLinkAsync(world.NewToken([first]));
        var (client, connection) = await MemoryWorld.ConnectAsync(link, first);
        var stopping = world.Relay.StopAsync(TimeSpan.FromMinutes(5), Token);
        await world.Events.NextAsync(EventKind.Draining);
        Assert.Equal(ErrorCode.PortUnavailable, (await link.SendControlAsync("add_token", [world.NewToken([second])], Token)).Code);
        Assert.True(await link.SendFrameAsync(FrameKind.Message, connection.SocketId!, new byte[] { 7 }, Token));
        await LocalService.ReadExactlyAsync(client, new byte[1]);
        client.Dispose();
        await link.SendFrameAsync(FrameKind.End, connection.SocketId!, default, Token);
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task A_link_serves_a_bounded_number_of_names_over_all_its_tokens_and_is_told_of_each()
    {
        await using var world = NewWorld();
        var link = await world.ConnectLinkAsync(NamesToken(world, 0));
        Assert.True((await link.SendControlAsync("add_token", [NamesToken(world, 1)], Token)).Success);
        Assert.True((await link.SendControlAsync("add_token", [NamesToken(world, 2)], Token)).Success);
        Assert.Equal(ErrorCode.NotGranted, (await link.SendControlAsync("add_token", [NamesToken(world, 3)], Token)).Code);
        Assert.Equal(300, link.Grants.Count);
    }

    private static string NamesToken(MemoryWorld world, int number) => TokenLibrary.Load().Create(
        new TokenClaims { Grant = new Grant { Domains = [.. Enumerable.Range(0, 100).Select(i => $"host-{number}-{i}.department.customer-name.example.com")] } },
        MemoryWorld.Key,
        world.Time.GetUtcNow());

    private static MemoryWorld NewWorld(params int[] ports) =>
        new(options => options with { TcpPort = [], Keys = [MemoryWorld.Key], GrantedPort = ports });
}
