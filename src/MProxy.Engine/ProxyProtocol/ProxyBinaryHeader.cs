using System.Buffers.Binary;
using System.Net;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>
/// Version 2 of the PROXY header: a fixed part, addresses, then values by type. The fixed part is judged as it comes, the rest when all of it
/// is there.
/// </summary>
internal static class ProxyBinaryHeader
{
    /// <summary>The bytes of the signature, version and command, family and protocol, and the length of the rest.</summary>
    public const int FixedLength = 16;

    /// <summary>The most bytes that may follow the fixed part. The field has room for 65,535, which nobody needs and everybody would have to hold.</summary>
    public const int MaxRestLength = 4096;

    public const int MaxLength = FixedLength + MaxRestLength;

    public const byte LocalCommand = 0x20;
    public const byte ProxyCommand = 0x21;
    public const byte TcpOverIPv4 = 0x11;
    public const byte TcpOverIPv6 = 0x21;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Reads the header at the start of these bytes, which begin with the signature.</summary>
    public static (ProxyHeaderStatus Status, ProxyHeader? Header) Read(ReadOnlySpan<byte> data)
    {
        if (!IsValidStart(data))
        {
            return (ProxyHeaderStatus.Malformed, null);
        }

        if (data.Length < FixedLength)
        {
            return (ProxyHeaderStatus.Incomplete, null);
        }

        // A command of LOCAL makes all that follows meaningless; what a family unknown to its sender puts there has no known form.
        var addressLength = data[12] == LocalCommand ? null : AddressLength(data[13]);
        var restLength = BinaryPrimitives.ReadUInt16BigEndian(data[14..]);
        if (restLength > MaxRestLength || restLength < addressLength)
        {
            return (ProxyHeaderStatus.Malformed, null);
        }

        var length = FixedLength + restLength;
        if (data.Length < length)
        {
            return (ProxyHeaderStatus.Incomplete, null);
        }

        var header = new ProxyHeader(ProxyProtocolVersion.V2, length);
        if (addressLength is null)
        {
            return (ProxyHeaderStatus.Complete, header);
        }

        return ProxyValues.TryRead(data[..length], FixedLength + addressLength.Value, out var authority)
            ? (ProxyHeaderStatus.Complete, WithAddresses(header with { Authority = authority }, data))
            : (ProxyHeaderStatus.Malformed, null);
    }

    private static bool IsValidStart(ReadOnlySpan<byte> data) =>
        data.Length <= 12 || data[12] == LocalCommand
            || (data[12] == ProxyCommand && (data.Length == 13 || data[13] is var family && family >> 4 <= 3 && (family & 0xf) <= 2));

    /// <summary>How many bytes the addresses take; null where family or protocol is not specified.</summary>
    private static int? AddressLength(byte familyAndProtocol) => (familyAndProtocol >> 4, familyAndProtocol & 0xf) switch
    {
        (0, _) or (_, 0) => null,
        (1, _) => 12,
        (2, _) => 36,
        _ => 216,
    };

    /// <summary>Unix sockets and datagrams have no TCP addresses: those are the connection's own then.</summary>
    private static ProxyHeader WithAddresses(ProxyHeader header, ReadOnlySpan<byte> data)
    {
        if (data[13] is not (TcpOverIPv4 or TcpOverIPv6))
        {
            return header;
        }

        var addressLength = data[13] == TcpOverIPv4 ? 4 : 16;
        var addresses = data[FixedLength..];
        var ports = addresses[(2 * addressLength)..];
        return header with { Source = EndPoint(addresses[..addressLength], ports), Destination = EndPoint(addresses[addressLength..(2 * addressLength)], ports[2..]) };
    }

    private static IPEndPoint EndPoint(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port) =>
        new(SocketEndPoints.Unmapped(new IPAddress(address)), BinaryPrimitives.ReadUInt16BigEndian(port));
}
