using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests;

/// <summary>A relay that brings clients without end makes a device dial no more than it may, and others are served behind it.</summary>
public sealed class DialBoundTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Beyond_the_most_each_client_fails_and_when_one_is_over_the_next_is_served()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        await using var service = new Front.FrontService(LocalService.EchoAsync);
        var tunnel = await StartAsync(world, peer, service.Target, options => options with { MaxClients = 3 });
        for (var port = 1; port <= 5; port++)
        {
            await peer.SendAsync(FrameKind.Connection, Meta(port));
        }

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("Error {\"message\":\"this device has as many clients as it takes\",\"code\":\"E_NO_SERVICE\"}", await peer.ReadAsync());
        }

        Assert.Equal(3, tunnel.ClientCount);
        await peer.SendAsync(FrameKind.Error, Meta(1));
        await Until.TrueAsync(() => tunnel.Bound.Count == 2);
        await peer.SendAsync(FrameKind.Connection, Meta(6));
        await peer.SendAsync(FrameKind.Message, Meta(6), "hello");
        Assert.Equal("Message hello", await peer.ReadAsync());
    }

    [Fact]
    public async Task Clients_that_come_and_go_faster_than_they_may_dial_nothing()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        var accepted = 0;
        await using var service = new Front.FrontService(local =>
        {
            Interlocked.Increment(ref accepted);
            return LocalService.EchoAsync(local);
        });
        var tunnel = await StartAsync(world, peer, service.Target, options => options with { MaxNewClientsPerSecond = 10 });
        for (var port = 1; port <= 1000; port++)
        {
            await peer.SendAsync(FrameKind.Connection, Meta(port));
            await peer.SendAsync(FrameKind.Error, Meta(port));
        }

        // Twice as many as a second's at once, and each of them has ended.
        for (var i = 0; i < 980; i++)
        {
            Assert.Contains(ErrorCode.NoService, await peer.ReadAsync(), StringComparison.Ordinal);
        }

        await Until.TrueAsync(() => tunnel.Bound.Count == 0);
        Assert.InRange(accepted, 0, 20);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        await peer.SendAsync(FrameKind.Connection, Meta(2000));
        await peer.SendAsync(FrameKind.Message, Meta(2000), "hello");
        Assert.Equal("Message hello", await peer.ReadAsync());
    }

    [Fact]
    public async Task Those_of_datagrams_leave_half_of_the_room()
    {
        await using var world = new MemoryWorld();
        using var peer = new RawPeer();
        await using var service = new Front.FrontService(LocalService.EchoAsync);
        await using var echo = new UdpEcho();
        await StartAsync(world, peer, service.Target, options => options with
        {
            MaxClients = 4,
            Service = new ServiceMap([new("tcp", LocalTarget.Parse(service.Target)), new("udp", LocalTarget.Parse(echo.Target))]),
        });
        for (var port = 1; port <= 3; port++)
        {
            await peer.SendAsync(FrameKind.Connection, Meta(port) with { Service = "udp" });
        }

        Assert.Contains(ErrorCode.NoService, await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync(FrameKind.Connection, Meta(4));
        await peer.SendAsync(FrameKind.Message, Meta(4), "hello");
        Assert.Equal("Message hello", await peer.ReadAsync());
    }

    [Fact]
    public async Task A_relay_that_brings_all_that_it_may_leaves_the_others_their_part_of_the_room()
    {
        await using var world = new MemoryWorld();
        using RawPeer greedy = new(), other = new();
        await using var service = new Front.FrontService(LocalService.EchoAsync);
        var tunnel = await StartAsync(world, greedy, other, service.Target, options => options with { MaxClients = 8 });
        for (var port = 1; port <= 20; port++)
        {
            await greedy.SendAsync(FrameKind.Connection, Meta(port));
        }

        // All but what is kept for the other.
        for (var i = 0; i < 14; i++)
        {
            Assert.Contains(ErrorCode.NoService, await greedy.ReadAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(6, tunnel.Bound.Count);
        for (var port = 1; port <= 3; port++)
        {
            await other.SendAsync(FrameKind.Connection, Meta(port));
            await other.SendAsync(FrameKind.Message, Meta(port), "hello");
            Assert.Contains(port <= 2 ? "Message hello" : ErrorCode.NoService, await other.ReadAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task And_of_the_rate()
    {
        await using var world = new MemoryWorld();
        using RawPeer greedy = new(), other = new();
        await using var service = new Front.FrontService(LocalService.EchoAsync);
        await StartAsync(world, greedy, other, service.Target, options => options with { MaxNewClientsPerSecond = 8 });
        for (var port = 1; port <= 100; port++)
        {
            await greedy.SendAsync(FrameKind.Connection, Meta(port));
            await greedy.SendAsync(FrameKind.Error, Meta(port));
        }

        // Two seconds' worth at once, of what is for all and of its own.
        for (var i = 0; i < 88; i++)
        {
            Assert.Contains(ErrorCode.NoService, await greedy.ReadAsync(), StringComparison.Ordinal);
        }

        for (var port = 1; port <= 5; port++)
        {
            await other.SendAsync(FrameKind.Connection, Meta(port));
            await other.SendAsync(FrameKind.Message, Meta(port), "hello");
            Assert.Contains(port <= 4 ? "Message hello" : ErrorCode.NoService, await other.ReadAsync(), StringComparison.Ordinal);
        }
    }

    private static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "tcp", ServicePort = 80 };

    /// <summary>A tunnel with two relays.</summary>
    private static async Task<Tunnel> StartAsync(MemoryWorld world, RawPeer first, RawPeer second, string target, Func<TunnelOptions, TunnelOptions> change)
    {
        var starting = StartAsync(world, first, target, options => change(options with
        {
            Relays = [.. options.Relays, world.Options() with { Dialer = _ => Task.FromResult(second.ToCarrier(world.Time)) }],
        }));
        await second.GreetAsync();
        var tunnel = await starting;
        await Until.TrueAsync(() => tunnel.Links.All(link => link.State == LinkState.Connected));
        return tunnel;
    }

    private static async Task<Tunnel> StartAsync(MemoryWorld world, RawPeer peer, string target, Func<TunnelOptions, TunnelOptions> change)
    {
        var options = WorldOptions.Tunnels(world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)) }, "tcp", target);
        var starting = Tunnel.StartAsync(change(options), world.Time, Token);
        await peer.GreetAsync();
        return world.Own(await starting);
    }
}
