using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>Writes the PROXY header in front of a connection. Pure: what to tell in, bytes out, never more than <see cref="ProxyHeaderReader.MaxLength"/>.</summary>
internal static class ProxyHeaderWriter
{
    /// <summary>The header in this version; no bytes for None.</summary>
    /// <param name="version">The version that the receiver expects.</param>
    /// <param name="source">Who connected. Where it or the destination is not known, the header says just that.</param>
    /// <param name="destination">To which address. Addresses of two families are both written as IPv6.</param>
    /// <param name="authority">
    /// The name that the client asked for, which version 2 alone has room for. One that no receiver would take, longer than 255 bytes or
    /// with a control character in it, is left out: it is the client's choice, and must not cost a connection or be cut to another name.
    /// </param>
    public static byte[] Write(ProxyProtocolVersion version, IPEndPoint? source, IPEndPoint? destination, string? authority = null)
    {
        var ends = source is null || destination is null ? default((IPAddress Source, IPAddress Destination)?) : OneFamily(source.Address, destination.Address);
        return version switch
        {
            ProxyProtocolVersion.V1 => Encoding.ASCII.GetBytes(Line(ends, source, destination)),
            ProxyProtocolVersion.V2 when ends is { } both => Binary(both.Source, source!.Port, both.Destination, destination!.Port, ProxyValues.WriteName(authority)),

            // With a name it would be no better: receivers skip what follows LOCAL.
            ProxyProtocolVersion.V2 => Start(ProxyBinaryHeader.LocalCommand, 0, 0),
            _ => [],
        };
    }

    private static (IPAddress Source, IPAddress Destination) OneFamily(IPAddress source, IPAddress destination)
    {
        // The ends of a dual-stack socket are IPv4 addresses that are mapped already.
        source = SocketEndPoints.Unmapped(source);
        destination = SocketEndPoints.Unmapped(destination);
        return source.AddressFamily == destination.AddressFamily ? (source, destination) : (source.MapToIPv6(), destination.MapToIPv6());
    }

    private static string Line((IPAddress Source, IPAddress Destination)? ends, IPEndPoint? source, IPEndPoint? destination)
    {
        if (ends is not { } both)
        {
            return "PROXY UNKNOWN\r\n";
        }

        var protocol = both.Source.AddressFamily == AddressFamily.InterNetwork ? "TCP4" : "TCP6";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"PROXY {protocol} {ProxyAddressText.Write(both.Source)} {ProxyAddressText.Write(both.Destination)} {source!.Port} {destination!.Port}\r\n");
    }

    private static byte[] Binary(IPAddress source, int sourcePort, IPAddress destination, int destinationPort, byte[]? name)
    {
        var isIPv4 = source.AddressFamily == AddressFamily.InterNetwork;
        var addressLength = isIPv4 ? 4 : 16;
        var endsLength = 2 * (addressLength + sizeof(ushort));
        var header = Start(
            ProxyBinaryHeader.ProxyCommand,
            isIPv4 ? ProxyBinaryHeader.TcpOverIPv4 : ProxyBinaryHeader.TcpOverIPv6,
            endsLength + (name is null ? 0 : ProxyValues.StartLength + name.Length));
        var rest = header.AsSpan(ProxyBinaryHeader.FixedLength);
        source.TryWriteBytes(rest, out _);
        destination.TryWriteBytes(rest[addressLength..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(2 * addressLength)..], (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(rest[((2 * addressLength) + sizeof(ushort))..], (ushort)destinationPort);
        if (name is not null)
        {
            var value = rest[endsLength..];
            value[0] = ProxyValues.NameType;
            BinaryPrimitives.WriteUInt16BigEndian(value[1..], (ushort)name.Length);
            name.CopyTo(value[ProxyValues.StartLength..]);
        }

        return header;
    }

    /// <summary>A header of this length with its fixed part written.</summary>
    private static byte[] Start(byte command, byte familyAndProtocol, int restLength)
    {
        var header = new byte[ProxyBinaryHeader.FixedLength + restLength];
        ProxyBinaryHeader.Signature.CopyTo(header);
        header[12] = command;
        header[13] = familyAndProtocol;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)restLength);
        return header;
    }
}
