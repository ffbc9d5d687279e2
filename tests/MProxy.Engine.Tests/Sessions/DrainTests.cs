using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Protocol;
using Nerdbank.Streams;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A deliberate stop takes no new clients, lets running ones finish for a while, and then ends.</summary>
public class DrainTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_device_that_drains_gets_no_new_clients_and_ends_with_its_last_one()
    {
        await using var world = new MemoryWorld();
        var (draining, other) = (await world.ConnectLinkAsync(), await world.ConnectLinkAsync());
        var port = world.Relay.TcpPort[0];
        var (running, connection) = await MemoryWorld.ConnectAsync(draining, port);
        var events = new EventLog();
        draining.EventRaised += events.Take;
        var stopping = draining.StopAsync(Patience, MemoryWorld.Token);
        await events.NextAsync(EventKind.Draining);
        Assert.Equal(LinkState.Draining, draining.State);

        // The relay answers in order: it knows of the drain when it has answered what came behind it.
        await draining.SendControlAsync("ping", [], MemoryWorld.Token);

        // Whichever turn it is: the other device has them all.
        List<Socket> clients = [];
        for (var i = 0; i < 4; i++)
        {
            clients.Add((await MemoryWorld.ConnectAsync(other, port)).Client);
        }

        Assert.False(stopping.IsCompleted);
        await draining.SendFrameAsync(FrameKind.Message, connection.SocketId!, new byte[] { 1, 2 }, MemoryWorld.Token);
        await draining.SendFrameAsync(FrameKind.End, connection.SocketId!, default, MemoryWorld.Token);
        Assert.Equal([1, 2], await LocalService.ReadAllAsync(running));
        running.Dispose();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal(LinkState.Stopped, draining.State);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_client_that_does_not_finish_is_cut_when_the_time_is_over()
    {
        // In one step of half a minute nobody answers a probe.
        var calm = new LinkOptions { ProbeAfter = TimeSpan.FromMinutes(5) };
        await using var world = new MemoryWorld(options => options with { Link = calm });
        var link = world.Own(await DeviceLink.ConnectAsync(world.Options() with { Link = calm }, world.Time, MemoryWorld.Token));
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        var events = new EventLog();
        link.EventRaised += events.Take;
        var stopping = link.StopAsync(Patience, MemoryWorld.Token);
        await events.NextAsync(EventKind.Draining);
        world.Time.Advance(Patience - TimeSpan.FromSeconds(1));
        Assert.False(stopping.IsCompleted);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        await MemoryWorld.IsResetAsync(client);
    }

    [Fact]
    public async Task A_relay_that_drains_closes_its_ports_and_ends_with_its_last_client()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var port = world.Relay.TcpPort[0];
        var (client, connection) = await MemoryWorld.ConnectAsync(link, port);
        var stopping = world.Relay.StopAsync(Patience, MemoryWorld.Token);
        await world.Events.NextAsync(EventKind.Draining);
        Assert.False(world.Relay.Ended.IsCompleted);
        await MemoryWorld.IsRefusedAsync(port);
        Assert.False(stopping.IsCompleted);
        await client.SendAsync(new byte[] { 9 }, MemoryWorld.Token);
        Assert.Equal([9], (await link.ReceiveFrameAsync(MemoryWorld.Token))!.Data);
        client.Shutdown(SocketShutdown.Send);
        await link.SendFrameAsync(FrameKind.End, connection.SocketId!, default, MemoryWorld.Token);
        Assert.Empty(await LocalService.ReadAllAsync(client));
        client.Dispose();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.True(world.Relay.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_device_that_has_drained_closes_its_link_behind_its_last_word_of_a_client()
    {
        await using var world = new MemoryWorld();
        var (link, held) = await ConnectHeldAsync(world, atRelay: false);
        var (client, connection) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(FrameKind.End, (await link.ReceiveFrameAsync(MemoryWorld.Token))!.Kind);
        var events = new EventLog();
        link.EventRaised += events.Take;
        var stopping = link.StopAsync(Patience, MemoryWorld.Token);
        await events.NextAsync(EventKind.Draining);
        held.Hold();
        await link.SendFrameAsync(FrameKind.Message, connection.SocketId!, new byte[] { 1, 2 }, MemoryWorld.Token);
        await link.SendFrameAsync(FrameKind.End, connection.SocketId!, default, MemoryWorld.Token);
        await IsIdleAsync(link.Connection!);
        held.LetGo();
        Assert.Equal([1, 2], await LocalService.ReadAllAsync(client));
        client.Dispose();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
    }

    [Fact]
    public async Task A_relay_that_has_drained_closes_its_links_behind_its_last_word_of_a_client()
    {
        await using var world = new MemoryWorld();
        var (link, held) = await ConnectHeldAsync(world, atRelay: true);
        var (client, connection) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        await link.SendFrameAsync(FrameKind.End, connection.SocketId!, default, MemoryWorld.Token);
        Assert.Empty(await LocalService.ReadAllAsync(client));
        var stopping = world.Relay.StopAsync(Patience, MemoryWorld.Token);
        await world.Events.NextAsync(EventKind.Draining);
        held.Hold();
        await client.SendAsync(new byte[] { 9 }, MemoryWorld.Token);
        client.Shutdown(SocketShutdown.Send);
        await IsIdleAsync(world.Relay.Registry.Links[0].Connection);
        held.LetGo();
        Assert.Equal([9], (await link.ReceiveFrameAsync(MemoryWorld.Token))!.Data);
        Assert.Equal(FrameKind.End, (await link.ReceiveFrameAsync(MemoryWorld.Token))!.Kind);
        client.Dispose();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
    }

    [Fact]
    public async Task A_peer_that_does_not_answer_holds_up_a_drained_link_for_a_moment_only()
    {
        await using var world = new MemoryWorld();
        var (link, held) = await ConnectHeldAsync(world, atRelay: true);
        held.Hold();
        var stopping = link.StopAsync(Patience, MemoryWorld.Token);
        await world.Time.TimersAsync(TimeSpan.FromSeconds(1));
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
    }

    [Fact]
    public async Task Cancelling_cuts_the_wait_short()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        using var hurry = new CancellationTokenSource();
        var stopping = link.StopAsync(Patience, hurry.Token);
        await hurry.CancelAsync();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        client.Dispose();
    }

    [Fact]
    public async Task A_second_stop_without_patience_cuts_the_drain_of_the_first_short()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        var stopping = link.StopAsync(Patience, MemoryWorld.Token);
        Assert.False(stopping.IsCompleted);
        await link.StopAsync(cancellationToken: MemoryWorld.Token).WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        await MemoryWorld.IsResetAsync(client);
    }

    [Fact]
    public async Task A_draining_device_whose_link_is_lost_does_not_come_back()
    {
        await using var world = new MemoryWorld();
        var dials = 0;
        var dial = world.Options().Dialer!;
        var options = world.Options() with { Dialer = cancel => Interlocked.Increment(ref dials) > 0 ? dial(cancel) : throw new InvalidOperationException() };
        var link = world.Own(await DeviceLink.ConnectAsync(options, world.Time, MemoryWorld.Token));
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        var stopping = link.StopAsync(Patience, MemoryWorld.Token);
        world.Cut();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        Assert.Equal((1, LinkState.Stopped), (dials, link.State));
        client.Dispose();
    }

    [Fact]
    public async Task A_links_next_tunnel_waits_for_the_drain_of_the_one_before_and_keeps_its_clients()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new TunnelOptions { Name = "t", Service = new ServiceMap([new("tcp", LocalTarget.Parse($"{service.LocalEndPoint}"))]), Links = [link] };
        var one = world.Own(await Tunnel.StartAsync(options, world.Time, MemoryWorld.Token));
        using var ofOne = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        using var ofOneLocal = await service.AcceptAsync(MemoryWorld.Token);
        var stopping = one.StopAsync(Patience, MemoryWorld.Token);
        await Assert.ThrowsAsync<LinkException>(() => Tunnel.StartAsync(options, world.Time, MemoryWorld.Token));

        // What failed to start has taken nothing with it.
        await ofOne.SendAsync(new byte[1], MemoryWorld.Token);
        await LocalService.ReadExactlyAsync(ofOneLocal, new byte[1]);
        await one.StopAsync(cancellationToken: MemoryWorld.Token).WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        await stopping;
        await MemoryWorld.IsResetAsync(ofOne);

        world.Own(await Tunnel.StartAsync(options, world.Time, MemoryWorld.Token));
        using var ofTwo = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        using var ofTwoLocal = await service.AcceptAsync(MemoryWorld.Token);
        await one.StopAsync(cancellationToken: MemoryWorld.Token);
        await ofTwo.SendAsync(new byte[1], MemoryWorld.Token);
        await LocalService.ReadExactlyAsync(ofTwoLocal, new byte[1]);
    }

    [Fact]
    public async Task A_tunnel_on_a_link_of_others_leaves_it_when_it_stops()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var target = LocalTarget.Parse($"{service.LocalEndPoint}");
        var tunnel = world.Own(await Tunnel.StartAsync(
            new TunnelOptions { Name = "t", Service = new ServiceMap([new("tcp", target)]), Links = [link] }, world.Time, MemoryWorld.Token));
        var error = await Assert.ThrowsAsync<LinkException>(() => link.ReceiveFrameAsync(MemoryWorld.Token));
        Assert.Contains("tunnel", error.Message, StringComparison.Ordinal);
        using var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        using var local = await service.AcceptAsync(MemoryWorld.Token);
        await tunnel.StopAsync(cancellationToken: MemoryWorld.Token);
        await MemoryWorld.IsResetAsync(client);
        Assert.Equal(LinkState.Connected, link.State);

        // The script may have the clients now.
        var (next, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        next.Dispose();
    }

    /// <summary>A link that one end's writes can be held up on.</summary>
    private static async Task<(DeviceLink Link, HeldStream Held)> ConnectHeldAsync(MemoryWorld world, bool atRelay)
    {
        var (near, far) = FullDuplexStream.CreatePair();
        var held = new HeldStream(atRelay ? far : near);
        world.Relay.AcceptLink(Carrier.FromStream(atRelay ? held : far, world.Time));
        var options = world.Options() with { Dialer = _ => Task.FromResult(Carrier.FromStream(atRelay ? near : held, world.Time)) };
        return (world.Own(await DeviceLink.ConnectAsync(options, world.Time, MemoryWorld.Token)), held);
    }

    /// <summary>Whoever waits for that too has had its turn.</summary>
    private static async Task IsIdleAsync(LinkConnection link)
    {
        await link.WhenIdleAsync().WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token);
        for (var i = 0; i < 100; i++)
        {
            await Task.Yield();
        }
    }
}
