using System.Collections.Specialized;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

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
    public void Neither_the_code_of_an_error_nor_a_command_of_a_hello_drives_a_terminal()
    {
        var events = new RecordingEvents();
        var device = new LinkMachine(LinkRole.Device, new LinkOptions(), events, new ManualTime());
        device.Start();
        device.Receive(MachineTest.Control("[1,\"hello\",[1],[\"a\\u001b[2J\",\"b\\u009bc\"]]"));
        Assert.Equal(["a [2J", "b c"], device.Control.PeerCommands);
        device.Receive(MachineTest.Frame(FrameKind.Connection, 5));
        var client = events.Last!;
        device.Receive(FrameEncoder.Encode(FrameKind.Error, MachineTest.Meta(5), "{\"message\":\"m\",\"code\":\"E\\u001b]0;x\\u0007\"}"u8));
        Assert.Equal("E ]0;x ", client.EndCode);
    }

    [Fact]
    public void What_is_long_is_cut() => Assert.Equal($"{new string('a', 1000)}...", PlainText.Of(new string('a', 100_000)));
}
