using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MProxy.Engine.Capture;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Capture;

/// <summary>What is captured of a relay and a tunnel on real sockets is what clients and services said.</summary>
public sealed class CaptureLinkTests : IDisposable
{
    private readonly CaptureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Both_ends_of_a_link_capture_what_each_client_sent_and_got()
    {
        Dictionary<string, byte[]> sent = [];
        await using (var world = await _folder.StartWorldAsync(LocalService.EchoAsync))
        {
            await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => ExchangeAsync(world, sent, new Random(seed))));
        }

        var (relay, device) = (_folder.Read("relay"), _folder.Read("device"));
        Assert.Equal(12, sent.Count);
        foreach (var (client, bytes) in sent)
        {
            Assert.Equal(bytes, relay.Bytes(client, "out"));
            Assert.Equal(bytes, relay.Bytes(client, "in"));
            Assert.Equal(bytes, device.Bytes(client, "in"));
            Assert.Equal(bytes, device.Bytes(client, "out"));
            Assert.Equal(FrameKind.Connection, relay.Of(client, "out").First().Kind);
            Assert.Single(relay.Of(client, "in"), frame => frame.Kind == FrameKind.End);
        }

        Assert.Empty(relay.Notes);
        Assert.Empty(device.Notes);
        Assert.Equal("hello", relay.Of(null, "out").First().Control![1]);
        Assert.All(device.Lines, line => Assert.StartsWith("tcp://127.0.0.1:", CaptureContent.Text(line, "link"), StringComparison.Ordinal));
        Assert.All(relay.Lines, line => Assert.StartsWith("tcp 127.0.0.1:", CaptureContent.Text(line, "link"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_question_stands_before_its_answer_at_both_ends()
    {
        await using (var world = await _folder.StartWorldAsync(LocalService.EchoAsync))
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Single(await world.ExchangeAsync([(byte)i], 1));
            }
        }

        foreach (var content in new[] { _folder.Read("relay"), _folder.Read("device") })
        {
            var pings = content.Frames.Where(frame => frame.Control is [long, "ping"]).Select(frame => (long)frame.Control![0]!).ToList();
            Assert.All(pings, id => Assert.InRange(IndexOf(content, -id), IndexOf(content, id) + 1, int.MaxValue));
            Assert.All(content.Frames.GroupBy(frame => frame.SocketId).Where(client => client.Key is not null), client => Assert.Equal(FrameKind.Connection, client.First().Kind));
        }
    }

    [Fact]
    public async Task The_links_of_one_relay_are_told_apart_and_so_are_those_of_one_tunnel()
    {
        await using (var capture = _folder.Open("both"))
        {
            await using var relay = RelayServer.Start(WorldOptions.Relays());
            await using var other = RelayServer.Start(WorldOptions.Relays());
            await using var tunnel = await Tunnel.StartAsync(
                new TunnelOptions
                {
                    Name = "two",
                    Relays = [.. new[] { relay, other }.Select(one => WorldOptions.Links(one.Listen[0]) with { Capture = capture })],
                    Service = new ServiceMap([new("tcp", LocalTarget.Parse("127.0.0.1:9"))]),
                },
                cancellationToken: TestContext.Current.CancellationToken);
            await Until.TrueAsync(() => tunnel.Links.All(link => link.State == LinkState.Connected));
        }

        var lines = _folder.Read("both").Lines;
        Assert.Equal(2, lines.Select(line => CaptureContent.Text(line, "link")).Distinct().Count());
        Assert.Equal([1, 2], lines.Select(line => line.GetProperty("connection").GetInt32()).Distinct().Order());
    }

    [Fact]
    public async Task A_link_that_comes_back_is_captured_in_the_same_file()
    {
        await using var world = new Sessions.MemoryWorld();
        await using (var capture = _folder.Open("link"))
        {
            await using var link = await DeviceLink.ConnectAsync(world.Options() with { Capture = capture, MaxRetryDelay = TimeSpan.FromMilliseconds(10) }, world.Time, Sessions.MemoryWorld.Token);
            var events = new Sessions.EventLog();
            link.EventRaised += events.Take;
            world.Cut();
            await events.NextAsync(EventKind.LinkLost);
            await world.UntilUpAsync(events);
        }

        var lines = _folder.Read("link").Lines;
        Assert.Equal([1, 2], lines.Select(line => line.GetProperty("connection").GetInt32()).Distinct());
    }

    private static async Task ExchangeAsync(World world, Dictionary<string, byte[]> sent, Random random)
    {
        using var client = await world.ConnectAsync();
        var bytes = new byte[random.Next(1, 300_000)];
        random.NextBytes(bytes);
        lock (sent)
        {
            sent.Add(ClientIdentity.ToSocketId((IPEndPoint)client.LocalEndPoint!), bytes);
        }

        var reading = LocalService.ReadAllAsync(client);
        await LocalService.SendAllAsync(client, bytes, random.Next(1, 70_000));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(bytes, await reading);
    }

    private static int IndexOf(CaptureContent content, long id) =>
        content.Frames.Index().First(pair => pair.Item.Control is [long found, ..] && found == id).Index;
}
