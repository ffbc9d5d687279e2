using System.Collections.Specialized;
using System.Text;
using System.Text.Json;
using MProxy.Engine.Capture;
using MProxy.Engine.Device;
using MProxy.Engine.Events;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests;

/// <summary>What a peer says reaches logs and terminals as text, and as nothing else.</summary>
public class PlainTextTests
{
    [Theory]
    [InlineData("no such name: bücher.example", "no such name: bücher.example")]
    [InlineData("a\r\nNov 28 root: b", "a  Nov 28 root: b")]
    [InlineData("\u001b[2Ja\u009bb", " [2Ja b")]
    [InlineData("a\u202eb\u2028c", "a b c")]
    public void What_moves_the_cursor_or_ends_the_line_is_a_space(string text, string expected)
    {
        Assert.Equal(expected, PlainText.Of(text));
        Assert.Equal(expected, ControlReply.Parse(1, text).Message);
        var reply = ControlReply.Parse(1, new OrderedDictionary { ["message"] = text, ["code"] = text });
        Assert.Equal((expected, expected), (reply.Message, reply.Code));
        Assert.Equal(expected, Assert.Single(ServiceGrant.ParseAll(new object?[] { new object?[] { "https", text } })).Name);
    }

    [Fact]
    public async Task An_event_shows_none_of_it()
    {
        var feed = new EventFeed(this, TimeProvider.System);
        var log = new EventLog();
        feed.Raised += log.Take;
        feed.Raise(EventKind.PeerError, "a\u001bb", "c\u001bd", "E\u001b[2J\u009bX");
        var told = await log.NextAsync(EventKind.PeerError);
        Assert.Equal(("a b", "c d", "E [2J X"), (told.Source, told.Message, told.Code));
        feed.RaiseOfClient(EventKind.ClientClosed, "a", () => "b", "E\u007fX", "IPv4\u001b,1,2");
        told = await log.NextAsync(EventKind.ClientClosed);
        Assert.Equal(("E X", "IPv4 ,1,2"), (told.Code, told.SocketId));
    }

    [Fact]
    public async Task Nor_does_a_relay_by_its_greeting_or_by_how_it_ends_a_client()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        var connecting = DeviceLink.ConnectAsync(world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)) }, world.Time, TestContext.Current.CancellationToken);
        await peer.SayAsync("[1,\"hello\",[1],[\"add\\u001b[2Jtoken\",\"ping\"]]");
        Assert.Equal("Control [-1,null]", await peer.ReadAsync());
        await peer.AnswerPingAsync();
        var link = world.Own(await connecting);
        Assert.Equal(["add [2Jtoken", "ping"], link.Commands);

        var log = new EventLog();
        link.EventRaised += log.Take;
        var meta = new FrameMeta { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = "tcp", ServicePort = 80 };
        var receiving = link.ReceiveFrameAsync(TestContext.Current.CancellationToken);
        await peer.SendAsync(FrameKind.Connection, meta);
        await receiving;
        await peer.SendAsync(FrameKind.Error, meta, "{\"message\":\"x\",\"code\":\"E\\u001b[2J\"}");
        Assert.Equal("E [2J", (await log.NextAsync(EventKind.ClientClosed)).Code);

        // A script gets what was sent.
        Assert.Equal("E\u001b[2J", (await link.ReceiveFrameAsync(TestContext.Current.CancellationToken))!.Code);
    }

    [Fact]
    public void Nor_does_a_line_of_a_captures_times()
    {
        var identity = "IPv4,\u007f\u009b\u001b\u202e\u00fc,5"u8.ToArray();
        var frame = new CapturedFrame
        {
            Source = new CaptureSource(1, "tcp", CaptureSource.In),
            Kind = FrameKind.Message,
            Bytes = new byte[] { 254, (byte)identity.Length }.Concat(identity).ToArray(),
            IdentityLength = identity.Length,
        };
        var line = Encoding.UTF8.GetString(TimesLine.OfFrame(frame, 0, DateTimeOffset.UnixEpoch, 0));
        Assert.Contains("\"client\":\"IPv4,\\u007f\\u009b\\u001b\\u202e\u00fc,5\"", line, StringComparison.Ordinal);
        Assert.Equal("IPv4,\u007f\u009b\u001b\u202e\u00fc,5", JsonDocument.Parse(line).RootElement.GetProperty("client").GetString());
        Assert.EndsWith("}\n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_long_is_cut() => Assert.Equal($"{new string('a', 1000)}...", PlainText.Of(new string('a', 100_000)));
}
