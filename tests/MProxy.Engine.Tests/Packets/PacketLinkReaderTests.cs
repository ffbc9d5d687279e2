using System.Net;
using System.Text;
using MProxy.Engine.Packets;
using MProxy.Protocol;
using static MProxy.Engine.Tests.Packets.PacketBuilder;

namespace MProxy.Engine.Tests.Packets;

/// <summary>Captures of packets in every form, of links that were lucky and others: all frames that can be had come out, and what cannot is told.</summary>
public sealed class PacketLinkReaderTests
{
    [Theory]
    [InlineData("pcap", 1, false)]
    [InlineData("pcap-be", 1, true)]
    [InlineData("pcap-nano", 113, false)]
    [InlineData("pcap-nano-be", 276, true)]
    [InlineData("pcapng", 1, false)]
    [InlineData("pcapng-be", 0, false)]
    [InlineData("pcapng", 101, true)]
    [InlineData("pcap", 276, false)]
    [InlineData("pcap", 113, true)]
    public void Every_form_is_read(string format, int linkType, bool isIPv6)
    {
        var (device, relay) = isIPv6 ? (IPEndPoint.Parse("[2001:db8::7]:40000"), IPEndPoint.Parse("[2001:db8::1]:5443")) : (DeviceEnd, RelayEnd);
        var file = new PacketBuilder(format, linkType)
            .Add(device, relay, 100, [], isStart: true)
            .Add(relay, device, 900, [], isStart: true)
            .Add(relay, device, 901, Packed(1))
            .Add(device, relay, 101, Packed(2))
            .ToArray();
        var frames = Read(file, out var problems);
        Assert.Empty(problems);
        Assert.Equal(
            [("body 1", relay, device, PacketBuilder.Start.AddMilliseconds(2)), ("body 2", device, relay, PacketBuilder.Start.AddMilliseconds(3))],
            frames.Select(seen => (Encoding.UTF8.GetString(seen.Frame.Data), seen.Source, seen.Destination, seen.Time)));
    }

    [Fact]
    public void Segments_out_of_order_doubled_and_overlapping_are_put_together()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            byte[] stream = [.. Enumerable.Range(0, 50).SelectMany(number => Packed(number))];

            // Numbers wrap in the middle of it.
            var first = uint.MaxValue - (uint)random.Next(stream.Length);
            List<(int At, int Length)> segments = [];
            for (var at = 0; at < stream.Length;)
            {
                var length = Math.Min(random.Next(1, 200), stream.Length - at);
                segments.Add((Math.Max(0, at - random.Next(20)), length));
                if (random.Next(5) == 0)
                {
                    segments.Add((at, length));
                }

                at = segments[^1].At + length;
            }

            var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, first, [], isStart: true);
            foreach (var (at, length) in segments.Select((segment, number) => (segment, Key: number + random.Next(8))).OrderBy(pair => pair.Key).Select(pair => pair.segment))
            {
                builder.Add(DeviceEnd, RelayEnd, first + 1 + (uint)at, stream.AsSpan(at, length));
            }

            var frames = Read(builder.ToArray(), out var problems);
            Assert.Empty(problems);
            Assert.Equal(Enumerable.Range(0, 50).Select(number => $"body {number}"), frames.Select(seen => Encoding.UTF8.GetString(seen.Frame.Data)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(5000)]
    public void A_WebSocket_is_unwrapped_whatever_its_messages_and_segments_are(int step)
    {
        var frames = Enumerable.Range(0, 20).SelectMany(number => Packed(number)).ToArray();
        byte[] said =
        [
            .. Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            .. Message(2, frames[..3], 0x55), .. Message(9, [1, 2], 0x77), .. Message(2, frames[3..400], 0x11), .. Message(2, [], 0x22), .. Message(0, frames[400..], 0x33),
        ];
        byte[] heard = [.. Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n\r\n"), .. Message(2, frames, 0)];
        var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(RelayEnd, DeviceEnd, 20, [], isStart: true);
        Add(builder, DeviceEnd, RelayEnd, 11, said, step);
        Add(builder, RelayEnd, DeviceEnd, 21, heard, step);
        var all = Read(builder.ToArray(), out var problems);
        Assert.Empty(problems);
        Assert.Equal(40, all.Count);
        Assert.All(all.Chunk(20), way => Assert.Equal(Enumerable.Range(0, 20).Select(number => $"body {number}"), way.Select(seen => Encoding.UTF8.GetString(seen.Frame.Data))));
    }

    [Fact]
    public void What_is_no_link_is_passed_over_and_counted()
    {
        var builder = new PacketBuilder()
            .Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 11, [0x16, 3, 1, 2, 0])
            .Add(At(2), RelayEnd, 10, [], isStart: true).Add(At(2), RelayEnd, 11, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8)
            .Add(At(3), RelayEnd, 10, [], isStart: true).Add(At(3), RelayEnd, 11, "SSH-2.0-x\r\n"u8)
            .Add(At(4), RelayEnd, 11, "in the middle"u8);
        builder.AddRaw([1, 2, 3], 3);
        var reader = new PacketLinkReader(new PacketLinkOptions());
        Assert.Empty(reader.Read(new MemoryStream(builder.ToArray())));
        Assert.Null(reader.TakeProblem());
        Assert.Equal(4, reader.Others.Count);
        Assert.All(reader.Others.Values, count => Assert.Equal(1, count));

        // At a port that was asked for they are told of.
        reader = new PacketLinkReader(new PacketLinkOptions { Ports = [5443] });
        Assert.Empty(reader.Read(new MemoryStream(builder.ToArray())));
        Assert.Contains("192.0.2.7:40003 to 192.0.2.1:5443: Not an M-PROXY frame", reader.TakeProblem(), StringComparison.Ordinal);
        reader = new PacketLinkReader(new PacketLinkOptions { Ports = [80] });
        Assert.Empty(reader.Read(new MemoryStream(builder.ToArray())));
        Assert.Empty(reader.Others);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_link_that_lacks_bytes_is_told_of_and_others_go_on(bool isCut)
    {
        var builder = new PacketBuilder().Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(At(2), RelayEnd, 10, [], isStart: true);
        var length = Packed(1).Length;
        builder.Add(DeviceEnd, RelayEnd, 11, Packed(1));
        if (isCut)
        {
            builder.Add(DeviceEnd, RelayEnd, (uint)(11 + length), Packed(2), keep: 70);
        }

        builder.Add(DeviceEnd, RelayEnd, (uint)(11 + (2 * length)), Packed(3)).Add(At(2), RelayEnd, 11, Packed(4));
        var frames = Read(builder.ToArray(), out var problems);
        Assert.Equal(["body 1", "body 4"], frames.Select(seen => Encoding.UTF8.GetString(seen.Frame.Data)));
        Assert.StartsWith("192.0.2.7:40000 to 192.0.2.1:5443: Bytes are missing behind the first ", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_that_is_used_again_is_another_link()
    {
        var file = new PacketBuilder()
            .Add(DeviceEnd, RelayEnd, 10, [], isStart: true).Add(DeviceEnd, RelayEnd, 11, Packed(1)).Add(DeviceEnd, RelayEnd, (uint)(11 + Packed(1).Length), Packed(2).AsSpan(0, 9))
            .Add(DeviceEnd, RelayEnd, 7000, [], isStart: true).Add(DeviceEnd, RelayEnd, 7000, [], isStart: true).Add(DeviceEnd, RelayEnd, 7001, Packed(3))
            .ToArray();
        var frames = Read(file, out var problems);
        Assert.Equal(["body 1", "body 3"], frames.Select(seen => Encoding.UTF8.GetString(seen.Frame.Data)));
        Assert.Contains("ends inside the frame", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pcap")]
    [InlineData("pcapng")]
    public void A_file_that_is_cut_anywhere_gives_what_is_there_and_one_error(string format)
    {
        var builder = new PacketBuilder(format).Add(DeviceEnd, RelayEnd, 10, [], isStart: true);
        Add(builder, DeviceEnd, RelayEnd, 11, [.. Packed(1), .. Packed(2), .. Packed(3)], 25);
        var file = builder.ToArray();
        var whole = 0;
        for (var length = 0; length < file.Length; length++)
        {
            List<PacketFrame> frames = [];
            try
            {
                frames.AddRange(new PacketLinkReader(new PacketLinkOptions()).Read(new MemoryStream(file, 0, length)));
                whole++;
            }
            catch (PacketFileException error)
            {
                Assert.InRange(error.Offset, 0, length);
            }
        }

        // Behind each packet, and behind the blocks before them, it may end.
        Assert.Equal(format == "pcap" ? 1 + Packets() : 3 + Packets(), whole);

        int Packets() => ((3 * Packed(1).Length) + 24) / 25;
    }

    [Fact]
    public void Whatever_is_changed_in_a_file_ends_in_frames_and_errors_of_their_own()
    {
        var builder = new PacketBuilder("pcapng").Add(DeviceEnd, RelayEnd, 10, [], isStart: true);
        Add(builder, DeviceEnd, RelayEnd, 11, [.. Packed(1), .. Packed(2), .. Packed(3)], 25);
        var (file, plain) = (builder.ToArray(), new PacketBuilder().Add(DeviceEnd, RelayEnd, 1, [], isStart: true).Add(DeviceEnd, RelayEnd, 2, Packed(1)).ToArray());
        var random = new Random(7);
        for (var round = 0; round < 30_000; round++)
        {
            var changed = (byte[])(round % 2 == 0 ? file : plain).Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            try
            {
                _ = new PacketLinkReader(new PacketLinkOptions()).Read(new MemoryStream(changed)).Count();
            }
            catch (PacketFileException)
            {
            }
        }
    }

    private static IPEndPoint At(int number) => new(DeviceEnd.Address, 40_000 + number);

    private static List<PacketFrame> Read(byte[] file, out List<string> problems)
    {
        var reader = new PacketLinkReader(new PacketLinkOptions());
        var frames = reader.Read(new MemoryStream(file)).ToList();
        problems = [];
        while (reader.TakeProblem() is { } problem)
        {
            problems.Add(problem);
        }

        return frames;
    }

    private static void Add(PacketBuilder builder, IPEndPoint source, IPEndPoint destination, uint sequence, byte[] bytes, int step)
    {
        for (var at = 0; at < bytes.Length; at += step)
        {
            builder.Add(source, destination, sequence + (uint)at, bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
        }
    }

    /// <summary>A frame of a WebSocket, masked where there is a mask.</summary>
    private static byte[] Message(int opcode, byte[] body, byte mask)
    {
        var masked = mask == 0 ? 0 : 0x80;
        byte[] length = body.Length < 126 ? [(byte)(masked | body.Length)] : [(byte)(masked | 126), (byte)(body.Length >> 8), (byte)body.Length];
        return [(byte)(0x80 | opcode), .. length, .. mask == 0 ? Array.Empty<byte>() : [mask, mask, mask, mask], .. body.Select(value => (byte)(value ^ mask))];
    }
}
