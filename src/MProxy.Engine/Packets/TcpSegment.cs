using System.Buffers.Binary;
using System.Net;

namespace MProxy.Engine.Packets;

/// <summary>A segment of TCP as a packet has it, whatever its link and its version of IP.</summary>
/// <param name="Source">Who sent it.</param>
/// <param name="Destination">Who it is for.</param>
/// <param name="Sequence">The number of its first byte.</param>
/// <param name="IsStart">It opens the connection (SYN), and takes a number for that.</param>
/// <param name="IsReset">It breaks the connection off (RST).</param>
/// <param name="Bytes">What it carries; less than was sent where the capture kept less.</param>
/// <param name="Missing">So many more bytes were sent, and not kept.</param>
internal readonly record struct TcpSegment(IPEndPoint Source, IPEndPoint Destination, uint Sequence, bool IsStart, bool IsReset, ReadOnlyMemory<byte> Bytes, int Missing)
{
    private const int Tcp = 6;
    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86dd;

    /// <summary>Null where it is something else, or only a part of one.</summary>
    public static TcpSegment? Of(in Packet packet) => packet.LinkType switch
    {
        // NULL and LOOP: a family of the system's own, which the version says as well.
        0 or 108 => OfIP(From(packet.Bytes, 4)),
        1 => OfEther(packet.Bytes, 12),

        // Raw IP, by its names on different systems.
        12 or 14 or 101 or 228 or 229 => OfIP(packet.Bytes),

        // Linux "any", in two versions.
        113 => OfEther(packet.Bytes, 14),
        276 => packet.Bytes.Length >= 20 && BinaryPrimitives.ReadUInt16BigEndian(packet.Bytes.Span) is IPv4 or IPv6 ? OfIP(packet.Bytes[20..]) : null,
        _ => null,
    };

    /// <summary>What stands at this place says what follows, behind tags of virtual networks.</summary>
    private static TcpSegment? OfEther(ReadOnlyMemory<byte> bytes, int at)
    {
        while (bytes.Length >= at + 2)
        {
            switch (BinaryPrimitives.ReadUInt16BigEndian(bytes.Span[at..]))
            {
                case IPv4 or IPv6:
                    return OfIP(bytes[(at + 2)..]);
                case 0x8100 or 0x88a8 or 0x9100:
                    at += 4;
                    break;
                default:
                    return null;
            }
        }

        return null;
    }

    private static TcpSegment? OfIP(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? null : (bytes.Span[0] >> 4) switch
    {
        4 => OfIPv4(bytes),
        6 => OfIPv6(bytes),
        _ => null,
    };

    private static TcpSegment? OfIPv4(ReadOnlyMemory<byte> bytes)
    {
        var header = bytes.Span;
        var start = (header[0] & 0xf) * 4;

        // A part of a packet is none that can be read; TCP does not make such.
        if (header.Length < 20 || start < 20 || header.Length < start || header[9] != Tcp || (BinaryPrimitives.ReadUInt16BigEndian(header[6..]) & 0x3fff) != 0)
        {
            return null;
        }

        // Where the system cuts large ones only behind the capture, it says 0 for what the field cannot hold.
        var length = BinaryPrimitives.ReadUInt16BigEndian(header[2..]) is > 0 and var said ? said : bytes.Length;
        return OfTcp(bytes[start..], length - start, new IPAddress(header.Slice(12, 4)), new IPAddress(header.Slice(16, 4)));
    }

    private static TcpSegment? OfIPv6(ReadOnlyMemory<byte> bytes)
    {
        const int Header = 40;
        if (bytes.Length < Header)
        {
            return null;
        }

        var header = bytes.Span;
        var length = BinaryPrimitives.ReadUInt16BigEndian(header[4..]) is > 0 and var said ? said : bytes.Length - Header;
        var (next, at) = ((int)header[6], Header);

        // Hop-by-hop, routing and destination options.
        while (next is 0 or 43 or 60 && header.Length >= at + 8)
        {
            (next, at) = (header[at], at + ((header[at + 1] + 1) * 8));
        }

        return next == Tcp && at <= bytes.Length
            ? OfTcp(bytes[at..], Header + length - at, new IPAddress(header.Slice(8, 16)), new IPAddress(header.Slice(24, 16)))
            : null;
    }

    /// <param name="bytes">What there is of it, and maybe of the link's own padding.</param>
    /// <param name="length">How long it was.</param>
    /// <param name="source">Who sent it.</param>
    /// <param name="destination">Who it is for.</param>
    private static TcpSegment? OfTcp(ReadOnlyMemory<byte> bytes, int length, IPAddress source, IPAddress destination)
    {
        var header = bytes.Span;
        if (header.Length < 20)
        {
            return null;
        }

        var start = (header[12] >> 4) * 4;
        if (start < 20 || start > length)
        {
            return null;
        }

        // Of one that was cut within its options, all is missing that it carried.
        var there = Math.Max(start, Math.Min(bytes.Length, length));
        return new TcpSegment(
            new IPEndPoint(source, BinaryPrimitives.ReadUInt16BigEndian(header)),
            new IPEndPoint(destination, BinaryPrimitives.ReadUInt16BigEndian(header[2..])),
            BinaryPrimitives.ReadUInt32BigEndian(header[4..]),
            (header[13] & 2) != 0,
            (header[13] & 4) != 0,
            start < bytes.Length ? bytes[start..there] : default,
            length - there);
    }

    private static ReadOnlyMemory<byte> From(ReadOnlyMemory<byte> bytes, int at) => bytes.Length >= at ? bytes[at..] : default;
}
