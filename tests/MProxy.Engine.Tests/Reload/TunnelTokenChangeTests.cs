using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Reload;

/// <summary>The tokens of a tunnel change while it runs: links that are up are shown them, the others show them when they connect.</summary>
public class TunnelTokenChangeTests
{
    private readonly EventLog _events = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_that_is_exchanged_for_another_with_the_same_port_loses_no_client()
    {
        var (port, gone, added) = (FreePort.Take(), FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(port, gone, added);
        await using var service = new FrontService(LocalService.EchoAsync);
        var old = world.NewToken([port, gone], "d1", TimeSpan.FromHours(1));
        var renewed = world.NewToken([port, added], "d1", TimeSpan.FromHours(2));
        var tunnel = await StartAsync(world, service.Target, world.Options([old]));
        using var client = await FrontClient.ConnectAsync(port);
        await client.SendAsync("a");
        await client.ReadAsync(1);
        using var other = await FrontClient.ConnectAsync(gone);
        await other.SendAsync("b");
        await other.ReadAsync(1);
        await tunnel.ChangeAsync(options => WithTokens(options, renewed), Token);
        Assert.Equal(new[] { port, added }.Order(), world.Relay.OpenPort);
        await other.IsResetAsync();
        await client.SendAsync("c");
        Assert.Equal("c", await client.ReadTextAsync(1));
        using var third = await FrontClient.ConnectAsync(added);
        await third.SendAsync("d");
        Assert.Equal("d", await third.ReadTextAsync(1));

        // It is the new one that is shown after a loss.
        tunnel.EventRaised += _events.Take;
        world.Cut();
        await _events.NextAsync(EventKind.LinkLost);
        await world.UntilUpAsync(_events);
        await Until.TrueAsync(() => world.Relay.OpenPort.SequenceEqual(new[] { port, added }.Order()));
        Assert.Equal(0, _events.Count(EventKind.PeerError));
    }

    [Fact]
    public async Task A_token_that_leaves_the_port_to_the_relay_keeps_it_when_it_is_exchanged()
    {
        // One port alone: there is no other to be had.
        var port = FreePort.Take();
        await using var world = NewWorld(port);
        await using var service = new FrontService(LocalService.EchoAsync);
        var tunnel = await StartAsync(world, service.Target, world.Options([world.NewToken([0], "d1", TimeSpan.FromHours(1))]));
        using var client = await FrontClient.ConnectAsync(port);
        await client.SendAsync("a");
        await client.ReadAsync(1);
        await tunnel.ChangeAsync(options => WithTokens(options, world.NewToken([0], "d1", TimeSpan.FromHours(2))), Token);
        Assert.Equal([port], world.Relay.OpenPort);
        await client.SendAsync("b");
        Assert.Equal("b", await client.ReadTextAsync(1));
    }

    [Fact]
    public async Task A_link_that_is_down_shows_the_new_tokens_when_it_connects()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var tunnel = await StartAsync(world, "127.0.0.1:9", world.Options([world.NewToken([first])]));
        tunnel.EventRaised += _events.Take;
        world.Cut();
        await _events.NextAsync(EventKind.LinkLost);
        await tunnel.ChangeAsync(options => WithTokens(options, world.NewToken([second])), Token);
        await world.UntilUpAsync(_events);
        await Until.TrueAsync(() => world.Relay.OpenPort is [var only] && only == second);
    }

    [Fact]
    public async Task A_token_that_one_relay_refuses_is_taken_back_from_the_others_and_nothing_changes()
    {
        var (first, second) = (FreePort.Take(), FreePort.Take());
        await using var world = NewWorld(first, second);
        var strict = world.StartRelay(options => options with { TcpPort = [], Keys = [MemoryWorld.Key], RevokedTokenIds = ["new"] });
        var old = world.NewToken([]);
        var tunnel = await StartAsync(world, "127.0.0.1:9", world.Options([old]), world.Options([old], strict));
        await Until.TrueAsync(() => tunnel.Links.All(link => link.State == LinkState.Connected));
        var error = await Assert.ThrowsAsync<LinkException>(() => tunnel.ChangeAsync(
            options => WithTokens(options with { DialTimeout = TimeSpan.FromSeconds(1) }, world.NewToken([second], "new")), Token));
        Assert.Equal((ErrorCode.InvalidToken, "The relay refused the token: The token has been revoked."), (error.Code, error.Message));
        Assert.Empty(world.Relay.OpenPort);
        Assert.Equal([old], tunnel.Links[0].Tokens.All);
        await tunnel.ChangeAsync(
            options =>
            {
                Assert.Equal(TimeSpan.FromSeconds(10), options.DialTimeout);
                Assert.All(options.Relays, relay => Assert.Equal([old], relay.Tokens));
                return options;
            },
            Token);

        // A port that cannot be had is as good a reason.
        error = await Assert.ThrowsAsync<LinkException>(() => tunnel.ChangeAsync(options => WithTokens(options, old, world.NewToken([1])), Token));
        Assert.Equal(ErrorCode.NotGranted, error.Code);
        Assert.Empty(world.Relay.OpenPort);
        Assert.All(tunnel.Links, link => Assert.Equal(["https device.example"], link.Grants.Select(grant => $"{grant}")));
    }

    [Fact]
    public async Task Tokens_that_change_while_a_link_shows_the_old_ones_are_shown_behind_them()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var tunnel = await StartAsync(world, "127.0.0.1:9", world.Options(["first"]), ToPeer(world, peer, "first"));
        await peer.GreetAsync();
        var request = await peer.ReadAsync() ?? "";
        Assert.EndsWith(",\"add_token\",\"first\"]", request, StringComparison.Ordinal);
        var second = tunnel.Links[1];
        Assert.Equal(LinkState.Connecting, second.State);
        await tunnel.ChangeAsync(options => WithTokens(options, "second", "third"), Token);
        await peer.SayAsync($"[-{request["Control [".Length..request.IndexOf(',', StringComparison.Ordinal)]},null]");
        await peer.SayAsync("[2,\"grant\",[]]");
        await peer.AcceptAsync(",\"add_token\",\"second\"]");
        await peer.AcceptAsync(",\"add_token\",\"third\"]");
        await peer.AcceptAsync(",\"delete_token\",\"first\"]");
        Assert.Equal(LinkState.Connected, second.State);
    }

    [Fact]
    public async Task A_token_that_the_relay_has_replaced_counts_as_the_one_that_was_given()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var tunnel = await ConnectAsync(world, peer, "first");
        await peer.SayAsync("[3,\"access_token\",\"renewed\"]");
        await Until.TrueAsync(() => tunnel.Links[0].Tokens.All is ["renewed"]);
        var changing = tunnel.ChangeAsync(options => WithTokens(options, "first", "second"), Token);
        await peer.AcceptAsync(",\"add_token\",\"second\"]");
        await changing;
        Assert.Equal(["renewed", "second"], tunnel.Links[0].Tokens.All);
        changing = tunnel.ChangeAsync(options => WithTokens(options, "second"), Token);
        await peer.AcceptAsync(",\"delete_token\",\"renewed\"]");
        await changing;
    }

    [Fact]
    public async Task Another_change_leaves_tokens_alone_that_came_by_other_ways()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var tunnel = await ConnectAsync(world, peer, "first");
        var adding = tunnel.Links[0].SendControlAsync("add_token", ["of a script"], Token);
        await peer.AcceptAsync(",\"add_token\",\"of a script\"]");
        await adding;
        await tunnel.ChangeAsync(options => options with { DialTimeout = TimeSpan.FromSeconds(3) }, Token);
        Assert.Equal(["first", "of a script"], tunnel.Links[0].Tokens.All);

        // Where tokens are given, they are all there are.
        var changing = tunnel.ChangeAsync(options => WithTokens(options, "first"), Token);
        await peer.AcceptAsync(",\"delete_token\",\"of a script\"]");
        await changing;
    }

    [Fact]
    public async Task A_change_that_is_given_up_is_taken_back()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var tunnel = await ConnectAsync(world, peer, "first");
        using var patience = new CancellationTokenSource();
        var changing = tunnel.ChangeAsync(options => WithTokens(options, "second"), patience.Token);
        Assert.EndsWith(",\"add_token\",\"second\"]", await peer.ReadAsync(), StringComparison.Ordinal);
        await patience.CancelAsync();
        await peer.AcceptAsync(",\"delete_token\",\"second\"]");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => changing);
        Assert.Equal(["first"], tunnel.Links[0].Tokens.All);
    }

    [Fact]
    public async Task A_relay_that_does_not_answer_is_no_reason_to_wait_for_ever()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var tunnel = await ConnectAsync(world, peer, "first");
        var changing = tunnel.ChangeAsync(options => WithTokens(options, "second"), Token);
        Assert.EndsWith(",\"add_token\",\"second\"]", await peer.ReadAsync(), StringComparison.Ordinal);
        world.Time.Advance(TimeSpan.FromSeconds(11));
        await peer.AcceptAsync(",\"delete_token\",\"second\"]");
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<LinkException>(() => changing)).Code);
        Assert.Equal(["first"], tunnel.Links[0].Tokens.All);
    }

    private static TunnelOptions WithTokens(TunnelOptions options, params string[] tokens) =>
        options with { Relays = [.. options.Relays.Select(relay => relay with { Tokens = tokens })] };

    /// <summary>A tunnel whose one relay the test plays.</summary>
    private static async Task<Tunnel> ConnectAsync(MemoryWorld world, RawPeer peer, string token)
    {
        var starting = StartAsync(world, "127.0.0.1:9", ToPeer(world, peer, token));
        await peer.GreetAsync();
        await peer.AcceptAsync($",\"add_token\",\"{token}\"]");
        await peer.SayAsync("[2,\"grant\",[]]");
        return await starting;
    }

    private static DeviceLinkOptions ToPeer(MemoryWorld world, RawPeer peer, params string[] tokens) =>
        world.Options(tokens) with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)) };

    private static async Task<Tunnel> StartAsync(MemoryWorld world, string target, params DeviceLinkOptions[] relays) => world.Own(await Tunnel.StartAsync(
        new TunnelOptions { Name = "memory", Relays = relays, Service = new ServiceMap([new("*", LocalTarget.Parse(target))]) }, world.Time, Token));

    private static MemoryWorld NewWorld(params int[] ports) =>
        new(options => options with { TcpPort = [], Keys = [MemoryWorld.Key], GrantedPort = ports });
}
