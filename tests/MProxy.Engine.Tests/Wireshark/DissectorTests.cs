using System.Net;
using System.Text;
using MProxy.Engine.Tests.Lies;
using MProxy.Engine.Tests.Packets;
using static MProxy.Engine.Tests.Packets.PacketBuilder;

namespace MProxy.Engine.Tests.Wireshark;

/// <summary>What tshark shows of frames by the dissector: every field, whatever the segments and messages are that brought them, and what is wrong.</summary>
public sealed class DissectorTests
{
    private const string Client = "IPv4,203.0.113.9,54321";

    private static readonly byte[][] Session =
    [
        RawFrame.Control("[1,\"hello\",[1],[\"add_token\"]]"),
        RawFrame.Control("[-1,null]"),
        RawFrame.Client(Client, "connection", "443,example.com,https"),
        RawFrame.Client(Client, "https", "443,example.com", new byte[70_000]),
        RawFrame.Client(Client, "pause", "443,", "70000"u8),
        RawFrame.Client(Client, "resume", "443,", "70000"u8),
        RawFrame.Client(Client, "end", "443,", " "u8),
        RawFrame.Client(Client, "error", "443,", "{\"message\":\"nobody is there\",\"code\":\"E_NO_SERVICE\"}"u8),
    ];

    private static readonly string[] Kinds = ["control", "control", "connection", "message", "pause", "resume", "end", "error"];

    [Theory]
    [InlineData(100_000)]
    [InlineData(1_400)]
    [InlineData(97)]
    public async Task Every_field_is_there_however_segments_cut_the_frames(int step)
    {
        var file = NewFile([.. Session.SelectMany(frame => frame)], step);
        Assert.Equal(Kinds, await AllAsync(file, "mproxy.kind"));
        Assert.Equal(Enumerable.Repeat("254", 8), await AllAsync(file, "mproxy.version"));
        Assert.Equal(Session.Select(frame => $"{frame[1]}"), await AllAsync(file, "mproxy.header_length"));
        Assert.Equal(Session.Select(frame => Encoding.UTF8.GetString(frame, 2, frame[1])), await AllAsync(file, "mproxy.header"));
        Assert.Equal(Enumerable.Repeat(Client, 6), await AllAsync(file, "mproxy.client"));
        Assert.Equal(Enumerable.Repeat("IPv4", 6), await AllAsync(file, "mproxy.family"));
        Assert.Equal(Enumerable.Repeat("203.0.113.9", 6), await AllAsync(file, "mproxy.address"));
        Assert.Equal(Enumerable.Repeat("54321", 6), await AllAsync(file, "mproxy.port"));
        Assert.Equal(["29", "9", "0", "70000", "5", "5", "1", "51"], await AllAsync(file, "mproxy.size"));
        Assert.Equal(["https", "https"], await AllAsync(file, "mproxy.service"));
        Assert.Equal(Enumerable.Repeat("443", 6), await AllAsync(file, "mproxy.service_port"));
        Assert.Equal(["example.com", "example.com"], await AllAsync(file, "mproxy.name"));
        Assert.Equal(["70000", "70000"], await AllAsync(file, "mproxy.received"));
        Assert.Equal(["1", "-1"], await AllAsync(file, "mproxy.control.id"));
        Assert.Equal(["hello"], await AllAsync(file, "mproxy.control.command"));
        Assert.Equal(["[1,\"hello\",[1],[\"add_token\"]]", "[-1,null]"], await AllAsync(file, "mproxy.control"));
        Assert.Equal(["E_NO_SERVICE"], await AllAsync(file, "mproxy.error.code"));
        Assert.Equal(["nobody is there"], await AllAsync(file, "mproxy.error.message"));
        Assert.Equal(7, (await AllAsync(file, "mproxy.body")).Length);
        Assert.Single(await AllAsync(file, "mproxy.padding"));
        Assert.Single(await AllAsync(file, "mproxy.client_failed"));
    }

    [Theory]
    [InlineData(100_000, 100_000)]
    [InlineData(1_400, 30_000)]
    [InlineData(50_000, 4_000)]
    [InlineData(1_400, 11)]
    [InlineData(50, 3)]
    public async Task Frames_over_a_WebSocket_are_put_together_from_its_messages(int step, int inMessage)
    {
        // In small messages the long one is left out: it would be 25,000.
        var whole = inMessage < 1_000 ? Session.Where(frame => frame.Length < 10_000) : Session.Append(RawFrame.Client(Client, "https", "443,", new byte[2_000_000])).Append(Session[6]);
        byte[] frames = [.. whole.SelectMany(frame => frame)];
        byte[] said =
        [
            .. Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
        ];
        byte[] heard = Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        var builder = new PacketBuilder()
            .Add(DeviceEnd, RelayEnd, 0, [], isStart: true).Add(RelayEnd, DeviceEnd, 0, [], isStart: true)
            .Add(DeviceEnd, RelayEnd, 1, said).Add(RelayEnd, DeviceEnd, 1, heard);
        byte[] messages = [.. frames.Chunk(inMessage).SelectMany(Message)];
        Segments(builder, messages, step, (uint)(1 + said.Length));
        Assert.Equal(inMessage < 1_000 ? Kinds.Where(kind => kind != "message") : [.. Kinds, "message", "end"], await AllAsync(builder.ToArray(), "mproxy.kind"));
    }

    [Theory]
    [InlineData(0xfd, "IPv4,1.2.3.4,5,0,tcp", "mproxy.bad_version")]
    [InlineData(0xfe, "", "mproxy.no_header")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,0", "mproxy.few_fields")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,x,tcp", "mproxy.bad_size")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,-1,tcp", "mproxy.bad_size")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,9223372036854775807,tcp", "mproxy.large_size")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,99999999999999999999999999,tcp", "mproxy.large_size")]
    [InlineData(0xfe, "IPv4,1.2.3.4,70000,0,tcp", "mproxy.bad_port")]
    [InlineData(0xfe, "IPv4,1.2.3.4,5,0,tcp,x", "mproxy.bad_port")]
    public async Task What_is_wrong_is_an_expert_information(byte version, string header, string wrong)
    {
        var file = NewFile([.. Session[0], version, (byte)header.Length, .. Encoding.ASCII.GetBytes(header)], 100_000);
        Assert.Single(await AllAsync(file, wrong));
    }

    [Fact]
    public async Task The_form_of_the_Go_implementation_is_read()
    {
        var file = NewFile(RawFrame.Of("tun,10.0.0.7,80,5,http,8080,a.example,\n", "hello"u8), 100_000);
        Assert.Equal("tun\thttp\t8080\ta.example\t1\t68656c6c6f", Assert.Single(await Tshark.FieldsAsync(file, "mproxy", "mproxy.family", "mproxy.service", "mproxy.service_port", "mproxy.name", "mproxy.go_form", "mproxy.body")).Replace("True", "1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Other_traffic_is_left_alone()
    {
        var file = NewFile(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 100_000);
        Assert.Empty(await Tshark.FieldsAsync(file, "mproxy", "frame.number"));
        Assert.Single(await Tshark.FieldsAsync(file, "http", "frame.number"));
    }

    [Fact]
    public async Task A_port_that_is_named_is_a_link_whatever_it_begins_with()
    {
        var file = NewFile(RawFrame.Of("other,here,1,5,tcp", "hello"u8), 100_000);
        Assert.Empty((await Tshark.RunAsync(file, "-Y", "mproxy")).Trim());
        Assert.Contains("other,here,1 message tcp, 5 bytes", await Tshark.RunAsync(file, "-o", "mproxy.tcp_ports:5443", "-Y", "mproxy"), StringComparison.Ordinal);
    }

    private static async Task<string[]> AllAsync(byte[] file, string field) =>
        [.. (await Tshark.FieldsAsync(file, field, field)).SelectMany(line => line.Split('|'))];

    private static byte[] NewFile(byte[] said, int step)
    {
        var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, 0, [], isStart: true);
        Segments(builder, said, Math.Min(step, 60_000), 1);
        return builder.ToArray();
    }

    private static void Segments(PacketBuilder builder, byte[] said, int step, uint sequence)
    {
        foreach (var part in said.Chunk(Math.Min(step, 60_000)))
        {
            builder.Add(DeviceEnd, RelayEnd, sequence, part);
            sequence += (uint)part.Length;
        }
    }

    /// <summary>A binary message of a client, masked with 1, 2, 3, 4.</summary>
    private static byte[] Message(byte[] body)
    {
        byte[] length = body.Length < 126 ? [(byte)(0x80 | body.Length)] : body.Length < 65536 ? [0x80 | 126, (byte)(body.Length >> 8), (byte)body.Length]
            : [0x80 | 127, 0, 0, 0, 0, (byte)(body.Length >> 24), (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length];
        return [0x82, .. length, 1, 2, 3, 4, .. body.Select((value, i) => (byte)(value ^ (1 + (i & 3))))];
    }
}
