using System.Net;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Capture;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Capture;

/// <summary>A capture holds what was asked for and no more, and stays a stream of whole frames.</summary>
public sealed class CaptureChoiceTests : IDisposable
{
    private static readonly FrameMeta One = new() { Family = "IPv4", Address = "192.0.2.1", Port = 1, Service = "tcp", ServicePort = 80, Name = "a.example" };

    private readonly CaptureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task One_client_is_captured_alone()
    {
        // The port of a client is its own to choose: one that is bound first is known before the link is.
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var wanted = ClientIdentity.ToSocketId((IPEndPoint)client.LocalEndPoint!);
        await using (var world = await _folder.StartWorldAsync(LocalService.EchoAsync, options => options with { SocketId = wanted }))
        {
            Assert.Equal([1, 2], await world.ExchangeAsync([1, 2], 1));
            await client.ConnectAsync(IPAddress.Loopback, world.Relay.TcpPort[0], TestContext.Current.CancellationToken);
            await LocalService.SendAllAsync(client, new byte[] { 7, 8, 9 }, 1);
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal([7, 8, 9], await LocalService.ReadAllAsync(client));
        }

        foreach (var content in new[] { _folder.Read("relay"), _folder.Read("device") })
        {
            Assert.All(content.Frames, frame => Assert.Equal(wanted, frame.SocketId));
            Assert.Equal([7, 8, 9], content.Bytes(wanted, "in"));
            Assert.Equal([7, 8, 9], content.Bytes(wanted, "out"));
        }
    }

    [Theory]
    [InlineData("IPv4,192.0.2.*", 2)]
    [InlineData("ipv4,192.0.2.?,1", 1)]
    [InlineData("*", 3)]
    [InlineData("IPv4,192.0.2.1", 0)]
    public async Task Clients_are_chosen_with_wildcards(string pattern, int count)
    {
        var bytes = new[] { Message(One, "1"), Message(One with { Address = "192.0.2.22" }, "2"), Message(One with { Family = "IPv6", Address = "::1" }, "3"), Control("[1,\"ping\"]") };
        await CaptureAsync(options => options with { SocketId = pattern }, bytes);
        Assert.Equal(count, _folder.Read("file").Frames.Count);
    }

    [Fact]
    public async Task Headers_only_leaves_every_body_out_and_says_how_long_it_was()
    {
        await using (var world = await _folder.StartWorldAsync(LocalService.EchoAsync, options => options with { HeadersOnly = true }))
        {
            Assert.Equal(1000, (await world.ExchangeAsync(new byte[1000], 1000)).Length);
        }

        var content = _folder.Read("relay");
        Assert.All(content.Frames, frame => Assert.Equal((0, 0), (frame.Data.Length, (int)frame.Length)));
        Assert.Equal(2000, content.Lines.Where(line => CaptureContent.Text(line, "kind") == "Message").Sum(line => line.GetProperty("length").GetInt32()));
        Assert.True(content.Lines[0].GetProperty("length").GetInt32() > 50);
    }

    [Fact]
    public async Task A_long_body_is_cut_and_the_frames_behind_it_are_whole()
    {
        var body = new byte[3000];
        Random.Shared.NextBytes(body);
        await CaptureAsync(options => options with { MaxBodyLength = 1000 }, FrameEncoder.Encode(FrameKind.Message, One, body), Message(One, "behind"));
        var content = _folder.Read("file");
        Assert.Equal([.. body[..1000], .. "behind"u8], content.Bytes("IPv4,192.0.2.1,1", "in"));
        Assert.Equal([3000, 6], content.Lines.Select(line => line.GetProperty("length").GetInt32()));
    }

    [Fact]
    public async Task Frames_are_kept_byte_for_byte_as_the_peer_wrote_them()
    {
        // A port with zeros in front, a field too many, and a body of one space.
        byte[] bytes = [0xFE, 32, .. "IPv4,192.0.2.1,0001,001,tcp,,,,x"u8, (byte)' '];
        await CaptureAsync(options => options, bytes);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_folder["file"], TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(5000)]
    public async Task A_full_capture_ends_at_a_frame_and_is_told_once_and_the_link_goes_on(int most)
    {
        var events = new Sessions.EventLog();
        await using (var world = await _folder.StartWorldAsync(LocalService.EchoAsync, options => options with { MaxLength = most }))
        {
            world.Relay.EventRaised += events.Take;
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(1000, (await world.ExchangeAsync(new byte[1000], 1000)).Length);
            }
        }

        _folder.Read("relay");
        var length = _folder.Files.Where(name => name.StartsWith("relay", StringComparison.Ordinal)).Sum(name => new FileInfo(_folder[name]).Length);
        Assert.InRange(length, most > 1000 ? most - 2000 : 0, most);
        if (most > 1000)
        {
            Assert.Contains($"{most} bytes", (await events.NextAsync(EventKind.CaptureStopped)).Message, StringComparison.Ordinal);
            Assert.Equal(0, events.Count(EventKind.CaptureStopped));
        }
    }

    [Fact]
    public async Task Frames_in_any_pieces_are_the_same_frames()
    {
        byte[] all = [.. Message(One, new string('a', 700)), .. Control("[7,\"ping\"]"), .. FrameEncoder.Encode(FrameKind.End, One, default), .. Message(One, "z")];
        foreach (var step in new[] { 1, 2, 3, 7, 100, 255, 1000 })
        {
            await CaptureAsync(options => options with { Path = options.Path + step }, [.. all.Chunk(step)]);
            Assert.Equal(all, await File.ReadAllBytesAsync(_folder[$"file{step}"], TestContext.Current.CancellationToken));
            Assert.Equal(4, _folder.Read($"file{step}").Frames.Count);
        }
    }

    private static byte[] Message(FrameMeta meta, string text) => FrameEncoder.Encode(FrameKind.Message, meta, Encoding.UTF8.GetBytes(text));

    private static byte[] Control(string json) => FrameEncoder.Encode(FrameKind.Control, default, Encoding.UTF8.GetBytes(json));

    private async Task CaptureAsync(Func<CaptureOptions, CaptureOptions> options, params byte[][] received)
    {
        var capture = _folder.Open("file", options);
        await using var use = capture.Join(_ => { });
        await capture.DisposeAsync();
        var tap = capture.Tap("test");
        foreach (var bytes in received)
        {
            tap.Received(bytes);
        }
    }
}
