using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A relay that does what none should costs a script device a bounded amount of memory, and its other clients nothing.</summary>
public class HostilePeerTests
{
    private const int Bound = 10_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_that_come_and_fail_faster_than_the_script_takes_them_are_refused()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await ScriptAsync(world, peer);
        var cycle = new MemoryStream();
        cycle.Write(FrameEncoder.Encode(FrameKind.Connection, Meta(1), default));
        cycle.Write(FrameEncoder.Encode(FrameKind.Error, Meta(1), new byte[400]));
        await RepeatAsync(peer, cycle.ToArray(), Bound);

        // Each that was taken in has its connection and its error; the script has taken one frame.
        var frames = await TakeAllAsync(link, peer);
        Assert.InRange(frames.Count, Bound - 2, Bound + 1);
        Assert.Equal(frames.Count(frame => frame.Kind == FrameKind.Connection), frames.Count(frame => frame.Kind == FrameKind.Error));
    }

    [Fact]
    public async Task A_client_of_endless_tiny_messages_ends_and_the_next_is_served()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await ScriptAsync(world, peer);
        await peer.SendAsync(FrameKind.Connection, Meta(1));
        await RepeatAsync(peer, FrameEncoder.Encode(FrameKind.Message, Meta(1), new byte[1]), Bound + 1000);
        Assert.Contains(ErrorCode.Overflow, await peer.ReadAsync(), StringComparison.Ordinal);

        List<Frame> frames = [];
        do
        {
            frames.Add((await link.ReceiveFrameAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token))!);
        }
        while (frames[^1].Kind != FrameKind.Error);

        Assert.Equal(ErrorCode.Overflow, frames[^1].Code);
        Assert.Equal(Bound + 1, frames.Count);
        await peer.SendAsync(FrameKind.Connection, Meta(2));
        Assert.Equal(2, (await link.ReceiveFrameAsync(Token))!.Port);
    }

    [Fact]
    public void A_client_of_one_huge_frame_holds_no_room_for_it_afterwards()
    {
        var exchange = new FrameExchange();
        var sink = new ScriptSink(null!, new LinkClient(Meta(1)), exchange);
        sink.Received(new byte[100 << 10], isFrameEnd: true);
        var usual = sink.Capacity;
        Assert.InRange(usual, 100 << 10, 256 << 10);
        for (var i = 0; i < 40; i++)
        {
            sink.Received(new byte[1 << 20], isFrameEnd: false);
        }

        sink.Received(new byte[1], isFrameEnd: true);
        Assert.InRange(sink.Capacity, 0, 256 << 10);
    }

    [Theory]
    [InlineData("*.internal.test")]
    [InlineData("app.internal.test")]
    [InlineData("[::1]")]
    [InlineData("connection")]
    [InlineData("end")]
    [InlineData("error")]
    [InlineData("pause")]
    [InlineData("control")]
    public async Task A_service_that_is_written_like_a_name_or_a_verb_is_nobodys(string service)
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        using var local = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var link = await world.ConnectLinkAsync(peer);
        world.Own(await Tunnel.StartAsync(
            new TunnelOptions { Name = "hostile", Links = [link], Service = new ServiceMap([new(service, LocalTarget.Parse($"{local.LocalEndPoint}"))]) }, world.Time, Token));

        await peer.SendAsync(FrameKind.Connection, Meta(1) with { Service = service });
        Assert.StartsWith("Error ", await peer.ReadAsync(), StringComparison.Ordinal);
        Assert.False(local.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task Reports_without_end_are_told_of_in_few_events_and_the_others_counted()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync(peer);
        EventLog events = new();
        link.EventRaised += events.Take;
        for (var i = 0; i < 1000; i++)
        {
            await peer.SayAsync("[0,{\"message\":\"look here\",\"code\":\"E\"}]");
        }

        await peer.SayAsync("[7,\"ping\"]");
        Assert.Equal("Control [-7,null]", await peer.ReadAsync());
        await link.EventsHandedOut;
        Assert.Equal((20, 980), (events.Count(EventKind.PeerError), link.UntoldEventCount));
    }

    private static FrameMeta Meta(int port) => new() { Family = "IPv4", Address = "192.0.2.1", Port = port, Service = "tcp", ServicePort = 80 };

    /// <summary>A script that took one client, and takes nothing more for now.</summary>
    private static async Task<DeviceLink> ScriptAsync(MemoryWorld world, RawPeer peer)
    {
        var link = await world.ConnectLinkAsync(peer);
        var receiving = link.ReceiveFrameAsync(Token);
        await peer.SendAsync(FrameKind.Connection, Meta(9));
        Assert.Equal(9, (await receiving)!.Port);
        return link;
    }

    private static async Task RepeatAsync(RawPeer peer, byte[] bytes, int times)
    {
        var many = Enumerable.Repeat(bytes, 100).SelectMany(one => one).ToArray();
        for (var i = 0; i < times; i += 100)
        {
            await peer.SendRawAsync(many);
        }
    }

    /// <summary>What is left when the relay has gone: the frames of its clients, but for the one that the script had.</summary>
    private static async Task<List<Frame>> TakeAllAsync(DeviceLink link, RawPeer peer)
    {
        await peer.SayAsync("[7,\"ping\"]");
        while (await peer.ReadAsync() != "Control [-7,null]")
        {
        }

        var stopping = link.StopAsync(cancellationToken: Token);
        List<Frame> frames = [];
        while (await link.ReceiveFrameAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token) is { } frame)
        {
            frames.Add(frame);
        }

        await stopping;
        return [.. frames.Where(frame => frame.Port != 9)];
    }
}
