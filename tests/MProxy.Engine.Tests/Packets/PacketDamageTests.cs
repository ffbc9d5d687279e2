using System.Diagnostics;
using System.Net;
using System.Text;
using MProxy.Engine.Packets;
using MProxy.Protocol;
using static MProxy.Engine.Tests.Packets.PacketBuilder;

namespace MProxy.Engine.Tests.Packets;

/// <summary>Captures that begin late, lack packets or parts of them, or were made to harm: what can be had comes out, and nothing is lost in silence.</summary>
public sealed class PacketDamageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_sign_of_life_that_comes_first_is_not_the_beginning(int length)
    {
        var file = new PacketBuilder()
            .Add(DeviceEnd, RelayEnd, 99, new byte[length]).Add(RelayEnd, DeviceEnd, 500, [])
            .Add(DeviceEnd, RelayEnd, 100, Packed(1)).Add(DeviceEnd, RelayEnd, After(100, 1), Packed(2)).ToArray();
        Assert.Equal(["body 1", "body 2"], Bodies(file, out var reader));
        Assert.Null(reader.TakeProblem());
    }

    [Fact]
    public void A_port_that_is_used_again_without_a_visible_beginning_is_another_link()
    {
        var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, 3_000_000_000, [], isStart: true).Add(DeviceEnd, RelayEnd, 3_000_000_001, Packed(1));
        Assert.Equal(["body 1", "body 2"], Bodies(builder.Add(DeviceEnd, RelayEnd, 1_000_000_000, Packed(2)).ToArray(), out _));
    }

    [Fact]
    public void What_was_lost_before_anything_was_known_is_counted()
    {
        var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 60, Packed(1));
        Assert.Empty(Bodies(builder.ToArray(), out var reader));
        Assert.Equal("of which bytes are missing", Assert.Single(reader.Others).Key);
    }

    [Theory]
    [InlineData(62)]
    [InlineData(74)]
    public void A_capture_of_headers_alone_says_that_bytes_are_missing(int keep)
    {
        Assert.Empty(Bodies(new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 11, Packed(1), keep: keep).ToArray(), out var reader));

        // Where nothing was kept, nobody knows what it was.
        Assert.Equal(keep == 62 ? "of which bytes are missing" : null, reader.Others.Keys.SingleOrDefault());
        Assert.Equal(keep != 62, reader.TakeProblem()?.Contains("Bytes are missing", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void A_file_that_was_cut_short_still_tells_what_there_was()
    {
        var file = new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 11, [0x16, 3, 1, 2, 0]).Add(RelayEnd, DeviceEnd, 100, [1, 2, 3]).ToArray();
        var reader = new PacketLinkReader(new PacketLinkOptions());
        Assert.Throws<PacketFileException>(() => reader.Read(new MemoryStream(file[..^2])).Count());
        Assert.Equal("that are TLS", Assert.Single(reader.Others).Key);
    }

    [Fact]
    public void A_simple_packet_has_no_more_than_its_interface_keeps()
    {
        var frame = Enumerable.Range(0, 4).Select(pad => Packed(1, pad)).First(one => Raw(11, one).Length % 4 == 0);
        var (start, whole) = (Raw(10, [], isStart: true), Raw(11, frame));
        var kept = whole.Length - 2;
        byte[] file =
        [
            .. Section, .. Block(1, [.. Short(101), .. Short(0), .. Number((uint)kept)]),
            .. Block(3, [.. Number((uint)start.Length), .. start, .. new byte[-start.Length & 3]]), .. Block(3, [.. Number((uint)whole.Length), .. whole[..kept], 0, 0]),
        ];
        Assert.Empty(Bodies(file, out _));
    }

    [Theory]
    [InlineData(9, 100)]
    [InlineData(7, 1)]
    [InlineData(3, -10_000)]
    [InlineData(0x80 | 20, 0)]
    public void Times_are_exact_in_every_resolution(byte resolution, int unitsPerTick)
    {
        for (var i = 0; i < 300; i++)
        {
            var at = PacketBuilder.Start.AddTicks(unitsPerTick == 0 ? i * 625L : i * 7_919L * Math.Max(1, -unitsPerTick));
            var ticks = (UInt128)(at - DateTimeOffset.UnixEpoch).Ticks;
            var units = (ulong)(unitsPerTick == 0 ? ((ticks << 20) + 9_999_999) / TimeSpan.TicksPerSecond : unitsPerTick < 0 ? ticks / (UInt128)(-unitsPerTick) : ticks * (UInt128)unitsPerTick);
            byte[] file = [.. Section, .. Block(1, [.. Short(101), .. Short(0), .. Number(0), .. Short(9), .. Short(1), resolution, 0, 0, 0, .. Number(0)]), .. Enhanced(units, Raw(10, [], isStart: true)), .. Enhanced(units, Raw(11, Packed(1)))];
            var seen = Assert.Single(new PacketLinkReader(new PacketLinkOptions()).Read(new MemoryStream(file)));
            Assert.InRange((seen.Time - at).Ticks, 0, unitsPerTick == 0 ? 10 : 0);
        }
    }

    [Fact]
    public void Segments_that_come_backwards_take_no_longer_for_each_than_few_do()
    {
        // Ten times as many: ten times as long, and not a hundred times.
        var few = Backwards(20_000);
        Assert.InRange(Backwards(200_000) / few, 0, 50);
    }

    [Theory]
    [InlineData("Upgrade:websocket")]
    [InlineData("upgrade:  WebSocket ")]
    [InlineData("UPGRADE:\twebsocket")]
    public void An_upgrade_is_one_however_it_is_spelt(string header)
    {
        var frame = Packed(1);
        Assert.Equal(["body 1"], Bodies(Upgraded(header, [0x82, (byte)frame.Length, .. frame]), out _));
    }

    [Fact]
    public void A_WebSocket_of_something_else_is_no_problem()
    {
        Assert.Empty(Bodies(Upgraded("Upgrade: websocket", [0x81, 5, .. "hello"u8]), out var reader));
        Assert.Null(reader.TakeProblem());
        Assert.Equal("that are a WebSocket of something else", Assert.Single(reader.Others).Key);
    }

    [Fact]
    public void A_part_of_what_had_come_whole_before_breaks_nothing()
    {
        var file = new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 11, Packed(1)).Add(DeviceEnd, RelayEnd, 11, Packed(1), keep: 90)
            .Add(DeviceEnd, RelayEnd, After(11, 1), Packed(2), keep: 90).Add(DeviceEnd, RelayEnd, After(11, 1), Packed(2)).ToArray();
        Assert.Equal(["body 1"], Bodies(file, out var reader));
        Assert.Contains("Bytes are missing", reader.TakeProblem(), StringComparison.Ordinal);
    }

    private static double Backwards(int count)
    {
        var (way, since) = (new TcpWay(), Stopwatch.GetTimestamp());
        way.Take(Segment(0, isStart: true), _ => { });
        for (var i = count; i >= 0; i--)
        {
            way.Take(Segment(1 + (uint)i), _ => { });
        }

        Assert.Equal(count + 1, way.Offset);
        return Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    private static TcpSegment Segment(uint sequence, bool isStart = false) => new(DeviceEnd, RelayEnd, sequence, isStart, false, isStart ? default(ReadOnlyMemory<byte>) : new byte[1], 0);

    private static byte[] Upgraded(string header, byte[] messages)
    {
        var head = Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\n{header}\r\n\r\n");
        return new PacketBuilder().Add(RelayEnd, DeviceEnd, 10, [], isStart: true).Add(RelayEnd, DeviceEnd, 11, head).Add(RelayEnd, DeviceEnd, (uint)(11 + head.Length), messages).ToArray();
    }

    private static List<string> Bodies(byte[] file, out PacketLinkReader reader)
    {
        reader = new PacketLinkReader(new PacketLinkOptions());
        return [.. reader.Read(new MemoryStream(file)).Select(seen => Encoding.UTF8.GetString(seen.Frame.Data))];
    }

    private static uint After(uint sequence, int number) => sequence + (uint)Packed(number).Length;

    private static readonly byte[] Section = Block(0x0a0d0d0a, [.. Number(0x1a2b3c4d), .. Short(1), .. Short(0), .. Number(uint.MaxValue), .. Number(uint.MaxValue)]);

    private static byte[] Enhanced(ulong units, byte[] packet) =>
        Block(6, [.. Number(0), .. Number((uint)(units >> 32)), .. Number((uint)units), .. Number((uint)packet.Length), .. Number((uint)packet.Length), .. packet, .. new byte[-packet.Length & 3]]);

    private static byte[] Block(uint type, byte[] body) => [.. Number(type), .. Number((uint)body.Length + 12), .. body, .. Number((uint)body.Length + 12)];

    private static byte[] Number(uint number) => BitConverter.GetBytes(number);

    private static byte[] Short(ushort number) => BitConverter.GetBytes(number);

    /// <summary>A packet of raw IP, without the file around it.</summary>
    private static byte[] Raw(uint sequence, byte[] bytes, bool isStart = false) => new PacketBuilder("pcap", 101).Add(DeviceEnd, RelayEnd, sequence, bytes, isStart).ToArray()[40..];
}
