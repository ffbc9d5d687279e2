using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Flow;

/// <summary>What happens to one client happens to no other.</summary>
public class ClientRulesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_second_client_of_the_same_address_and_port_is_refused_counted_and_told_of()
    {
        var events = new EventLog();
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { Relay = options => options with { TcpPort = [0, 0] } });
        world.Relay.EventRaised += events.Take;
        using var first = new Socket(SocketType.Stream, ProtocolType.Tcp);
        first.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        first.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await first.ConnectAsync(IPAddress.Loopback, world.Relay.TcpPort[0], Token);
        await EchoAsync(first, 1);
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var second = new Socket(SocketType.Stream, ProtocolType.Tcp);
                second.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                second.Bind(first.LocalEndPoint!);
                await second.ConnectAsync(IPAddress.Loopback, world.Relay.TcpPort[1], Token);
                await LocalService.ReadAllAsync(second);
            });
        }

        await EchoAsync(first, 2);
        Assert.Equal(2, world.Relay.DuplicateCount);
        for (var i = 0; i < 2; i++)
        {
            var refused = await events.NextAsync(EventKind.ClientRefused);
            Assert.Equal($"IPv4,127.0.0.1,{((IPEndPoint)first.LocalEndPoint!).Port}", refused.SocketId);
            Assert.EndsWith(" is refused: another client of its address and port is on the link.", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_past_its_bound_ends_alone_with_a_code()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var options = world.Options() with
        {
            Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)),
            Link = new LinkOptions { HighMark = 1000, LowMark = 100, ClientBound = 5000 },
        };
        var connecting = DeviceLink.ConnectAsync(options, world.Time, Token);
        await peer.GreetAsync();
        var link = world.Own(await connecting);
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        Assert.Equal(FrameKind.Connection, (await receiving)!.Kind);
        await peer.SendAsync(FrameKind.Connection, Meta(2));

        // The script takes nothing: the first is asked to pause, does not, and ends. The second does not notice.
        await peer.SendAsync(FrameKind.Message, Meta(1), new string('x', 1001));
        Assert.Equal("Pause 1001", await peer.ReadAsync());
        await peer.SendAsync(FrameKind.Message, Meta(1), new string('x', 4000));
        Assert.Contains("E_OVERFLOW", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync(FrameKind.Message, Meta(2), "still here");
        List<Frame> frames = [];
        while (frames.Count == 0 || frames[^1].Port != 2 || frames[^1].Kind != FrameKind.Message)
        {
            frames.Add((await link.ReceiveFrameAsync(Token))!);
        }

        Assert.Equal("E_OVERFLOW", frames.Single(frame => frame.Kind == FrameKind.Error).Code);
    }

    [Fact]
    public async Task A_script_that_takes_what_waits_lets_the_client_go_on()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var options = world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)), Link = new LinkOptions { HighMark = 1000, LowMark = 100 } };
        var connecting = DeviceLink.ConnectAsync(options, world.Time, Token);
        await peer.GreetAsync();
        var link = world.Own(await connecting);
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        await receiving;
        await peer.SendAsync(FrameKind.Message, Meta(1), new string('x', 1001));
        Assert.Equal("Pause 1001", await peer.ReadAsync());
        Assert.Equal(1001, (await link.ReceiveFrameAsync(Token))!.Data.Length);
        Assert.Equal("Resume 1001", await peer.ReadAsync());

        // And the other way: a paused client's message waits for the resume.
        await peer.SendAsync(FrameKind.Pause, Meta(1), "0");
        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
        var sending = link.SendFrameAsync(FrameKind.Message, "IPv4,192.0.2.1,1", new byte[] { 65 }, Token);
        Assert.False(sending.IsCompleted);
        await peer.SendAsync(FrameKind.Resume, Meta(1), "0");
        Assert.Equal("Message A", await peer.ReadAsync());
        Assert.True(await sending);
        await Assert.ThrowsAsync<NotSupportedException>(() => link.SendFrameAsync(FrameKind.Pause, "IPv4,192.0.2.1,1", default, Token));
        Assert.False(await link.SendFrameAsync(FrameKind.Message, "IPv4,192.0.2.1,9", default, Token));
    }

    [Fact]
    public async Task A_local_service_that_is_slow_to_accept_holds_up_its_client_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux leaves a connection beyond a full backlog waiting.");
        await using var world = new MemoryWorld();
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        using var filler = await TcpSocket.ConnectAsync("127.0.0.1", ((IPEndPoint)full.LocalEndPoint!).Port, Token);
        using var quick = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var ports = (Slow: world.Relay.TcpPort[0], Quick: 0);
        var second = world.StartRelay(options => options);
        ports.Quick = second.TcpPort[0];
        var map = new ServiceMap([new($"{ports.Slow}", LocalTarget.Parse($"{full.LocalEndPoint}")), new($"{ports.Quick}", LocalTarget.Parse($"{quick.LocalEndPoint}"))]);
        var tunnel = world.Own(await Tunnel.StartAsync(
            new TunnelOptions { Name = "t", Service = map, Relays = [world.Options(), world.Options(relay: second)], DialTimeout = TimeSpan.FromSeconds(5) }, world.Time, Token));
        await Until.TrueAsync(() => tunnel.Links.All(link => link.State == LinkState.Connected));

        using var waiting = await MemoryWorld.ConnectAsync(ports.Slow);
        await waiting.SendAsync(new byte[10], Token);
        using var served = await MemoryWorld.ConnectAsync(ports.Quick);
        using var local = await quick.AcceptAsync(Token);
        await served.SendAsync(new byte[] { 5 }, Token);
        await LocalService.ReadExactlyAsync(local, new byte[1]);

        // The slow one has been dialled: the other link says nothing of that.
        await world.Time.TimersAsync(TimeSpan.FromSeconds(5));
        world.Time.Advance(TimeSpan.FromSeconds(5));
        await MemoryWorld.IsResetAsync(waiting);
        await local.SendAsync(new byte[] { 6 }, Token);
        await LocalService.ReadExactlyAsync(served, new byte[1]);
    }

    [Fact]
    public async Task What_a_peer_says_before_it_breaks_the_link_is_still_delivered()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var device = world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)) };
        var starting = Tunnel.StartAsync(WorldOptions.Tunnels(device, "tcp", $"{service.LocalEndPoint}"), world.Time, Token);
        await peer.GreetAsync();
        world.Own(await starting);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        await peer.SendAsync(FrameKind.Message, Meta(1), "a");
        using var local = await service.AcceptAsync(Token);
        await LocalService.ReadExactlyAsync(local, new byte[1]);

        // All in one piece: the end of the client is read together with what ends the link.
        await peer.SendRawAsync((byte[])[.. MProxy.Protocol.FrameEncoder.Encode(FrameKind.Message, Meta(1), "bc"u8), .. MProxy.Protocol.FrameEncoder.Encode(FrameKind.End, Meta(1), default), 77, 77]);
        Assert.Equal("bc"u8.ToArray(), await LocalService.ReadAllAsync(local));
    }

    private static MProxy.Protocol.FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "tcp", ServicePort = 80 };

    private static async Task EchoAsync(Socket client, byte value)
    {
        await client.SendAsync(new[] { value }, Token);
        var answer = new byte[1];
        await LocalService.ReadExactlyAsync(client, answer);
        Assert.Equal(value, answer[0]);
    }
}
