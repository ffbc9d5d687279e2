using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine;

/// <summary>What counts as one address where peers are counted: IPv4 addresses one by one, IPv6 by their first 64 bits, since one host has them all.</summary>
internal readonly record struct AddressKey(ulong High, ulong Low)
{
    /// <summary>The key as other relays of a fleet know it.</summary>
    public string ToText() => $"{High:x16}{Low:x16}";

    /// <summary>Reads that.</summary>
    public static bool TryParse(string text, out AddressKey key)
    {
        ulong low = 0;
        var isKey = text.Length == 32
            & ulong.TryParse(text.AsSpan(0, Math.Min(text.Length, 16)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            && ulong.TryParse(text.AsSpan(16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out low);
        key = new AddressKey(high, low);
        return isKey;
    }

    /// <summary>The key of an address.</summary>
    /// <param name="address">The address; one of IPv4 in IPv6 is the same.</param>
    /// <param name="kind">Keeps apart what is counted apart, 0 to 2^31.</param>
    public static AddressKey Of(IPAddress address, uint kind = 0)
    {
        var plain = SocketEndPoints.Unmapped(address);
        Span<byte> bytes = stackalloc byte[16];
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), (kind << 1) | 1UL)
            : new AddressKey(BinaryPrimitives.ReadUInt32BigEndian(bytes), kind << 1);
    }
}
