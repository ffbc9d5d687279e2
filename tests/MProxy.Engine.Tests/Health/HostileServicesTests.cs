using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>What a device says of its services that none should: it costs the device itself alone. The test is the device.</summary>
public sealed class HostileServicesTests
{
    private const string Down = "[[\"*\",\"down\"]]";

    [Theory]
    [InlineData("")]
    [InlineData(",7")]
    [InlineData(",{\"*\":\"up\"}")]
    [InlineData(",[[\"*\",\"fine\"]]")]
    [InlineData(",[[\"*\",\"up\"],[\"*\",\"up\"]]")]
    [InlineData(",[[\"UP.example\",\"up\"]]")]
    public async Task What_is_malformed_is_refused_and_changes_nothing(string content)
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        await ConnectAsync(world, peer);
        Assert.True(IsCandidate(world));
        await AskAsync(peer, "5", Down, "[-5,null]");
        Assert.False(IsCandidate(world));
        await peer.SayAsync($"[6,\"services\"{content}]");
        Assert.Matches("^Control \\[-6,\\{\"message\":\".*\",\"code\":\"E_BAD_COMMAND\"\\}\\]$", await peer.ReadAsync());
        Assert.False(IsCandidate(world));
        await AskAsync(peer, "7", "[]", "[-7,null]");
        Assert.True(IsCandidate(world));
    }

    [Fact]
    public async Task More_than_a_message_may_hold_is_refused()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        await ConnectAsync(world, peer);
        await peer.SayAsync($"[5,\"services\",{Lines(301, "down")}]");
        Assert.Contains(ErrorCode.BadCommand, await peer.ReadAsync(), StringComparison.Ordinal);
        await AskAsync(peer, "6", Lines(300, "down"), "[-6,null]");
        Assert.True(IsCandidate(world));
        await peer.SayAsync($"[7,\"services\",[[\"{new string('x', 70_000)}\",\"down\"]]]");
        Assert.Contains("too long", await peer.ReadAsync(), StringComparison.Ordinal);
        Assert.True(IsCandidate(world));
    }

    [Fact]
    public async Task A_flood_of_them_leaves_the_clients_of_others_alone()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        await ConnectAsync(world, peer);
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new TunnelOptions { Name = "t", Relays = [world.Options()], Service = new ServiceMap([new("*", LocalTarget.Parse($"{service.LocalEndPoint}"))]) };
        world.Own(await Tunnel.StartAsync(options, world.Time, MemoryWorld.Token));
        await AskAsync(peer, "5", Down, "[-5,null]");
        using var done = new CancellationTokenSource();
        var rounds = 0;
        var flooding = FloodAsync(peer, () => rounds++, done.Token);
        for (var i = 0; i < 20 || (Volatile.Read(ref rounds) < 20 && !flooding.IsCompleted); i++)
        {
            using var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
            using var local = await service.AcceptAsync(MemoryWorld.Token);
            await LocalService.SendAllAsync(client, new byte[] { 1 }, 1);
            await LocalService.ReadExactlyAsync(local, new byte[1]);
        }

        await done.CancelAsync();
        await flooding;
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    [Fact]
    public async Task A_device_that_reads_no_answers_loses_its_link_before_they_pile_up()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        await ConnectAsync(world, peer);
        var many = Enumerable.Repeat(FrameEncoder.Encode(FrameKind.Control, default, "[5,\"services\",[]]"u8.ToArray()), 1000).SelectMany(frame => frame).ToArray();
        var flooding = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                await peer.SendRawAsync(many);
            }
        }, MemoryWorld.Token);
        Assert.Contains("does not read", (await world.Events.NextAsync(EventKind.LinkLost)).Message, StringComparison.Ordinal);
        await Record.ExceptionAsync(() => flooding.WaitAsync(TimeSpan.FromSeconds(20), MemoryWorld.Token));
        await Until.TrueAsync(() => world.Relay.Registry.Links.Length == 0);
    }

    private static bool IsCandidate(MemoryWorld world) =>
        world.Relay.Registry.Candidates(new FrameMeta { Name = "a.example", Service = "http", ServicePort = 80, Address = "192.0.2.1" }).Length == 1;

    private static string Lines(int count, string state) => $"[{string.Join(',', Enumerable.Range(0, count).Select(i => $"[\"s{i}\",\"{state}\"]"))}]";

    /// <summary>A device that greets, and that the relay would give clients to.</summary>
    private static async Task ConnectAsync(MemoryWorld world, RawPeer peer)
    {
        world.Relay.AcceptLink(peer.ToCarrier(world.Time));
        Assert.Contains(",\"services\",\"session\"]]", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SayAsync("[-1,null]");
        await AskAsync(peer, "4", null, "[-4,null]");
    }

    private static async Task AskAsync(RawPeer peer, string id, string? services, string answer)
    {
        await peer.SayAsync(services is null ? $"[{id},\"ping\"]" : $"[{id},\"services\",{services}]");
        Assert.Equal($"Control {answer}", await peer.ReadAsync());
    }

    /// <summary>One large message after the other, each other than the one before, and none of them up.</summary>
    private static async Task FloodAsync(RawPeer peer, Action round, CancellationToken done)
    {
        for (var count = 0; !done.IsCancellationRequested; count++)
        {
            round();
            await AskAsync(peer, "6", $"[[\"*\",\"{(count % 2 == 0 ? "drain" : "down")}\"],{Lines(299, "up")[1..]}", "[-6,null]");
        }
    }
}
