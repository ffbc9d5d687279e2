using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>
/// Addresses and ports as text, in the one spelling that the PROXY line has for them: no leading zeros, no zones, no signs. The readers of
/// .NET take more than that, octal numbers and short forms of IPv4 among it.
/// </summary>
internal static class ProxyAddressText
{
    private const int MaxIPv6Length = 39;

    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789"u8);
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private static ReadOnlySpan<byte> MappedStart => "::ffff:"u8;

    /// <summary>
    /// An address of this family. As an IPv6 one, an IPv4 address may come mapped, with dots too (::ffff:1.2.3.4), which the specification
    /// does not have: it is how systems print one, so senders on dual-stack listeners do write it.
    /// </summary>
    public static bool TryReadAddress(ReadOnlySpan<byte> text, bool isIPv6, [NotNullWhen(true)] out IPAddress? address)
    {
        address = !isIPv6 ? ReadIPv4(text)
            : IsMappedText(text) ? ReadIPv4(text[MappedStart.Length..])
            : ReadIPv6(text);
        address = address is null ? null : SocketEndPoints.Unmapped(address);
        return address is not null;
    }

    /// <summary>Whether some address of this family starts like this.</summary>
    public static bool IsAddressStart(ReadOnlySpan<byte> text, bool isIPv6) =>
        !isIPv6 ? IsIPv4Start(text)
        : IsMappedText(text) ? IsIPv4Start(text[MappedStart.Length..])
        : IsIPv6Start(text);

    public static bool TryReadPort(ReadOnlySpan<byte> text, out int port) => TryReadNumber(text, ushort.MaxValue, out port);

    /// <summary>Whether some port starts like this.</summary>
    public static bool IsPortStart(ReadOnlySpan<byte> text) => text.IsEmpty || TryReadPort(text, out _);

    /// <summary>The text of an address that every reader takes: without zone, and without dots in IPv6.</summary>
    public static string Write(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        var text = new IPAddress(bytes).ToString();
        return bytes.Length == 16 && text.Contains('.', StringComparison.Ordinal)
            ? string.Join(':', Enumerable.Range(0, 8).Select(i => ((bytes[2 * i] << 8) | bytes[(2 * i) + 1]).ToString("x", CultureInfo.InvariantCulture)))
            : text;
    }

    private static bool IsMappedText(ReadOnlySpan<byte> text) =>
        text.Length > MappedStart.Length && Ascii.EqualsIgnoreCase(text[..MappedStart.Length], MappedStart) && text.Contains((byte)'.');

    /// <summary>Digits are looked for here, since .NET takes zero bytes behind a number.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> text, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most
            && !text.ContainsAnyExcept(Digits) && (text.Length == 1 || text[0] != '0');

    private static IPAddress? ReadIPv4(ReadOnlySpan<byte> text) =>
        IsIPv4Start(text) && text.Count((byte)'.') == 3 && text[^1] != '.' ? IPAddress.Parse(Encoding.ASCII.GetString(text)) : null;

    /// <summary>The start of a number is a number, so each part counts the same way, and the last may be missing.</summary>
    private static bool IsIPv4Start(ReadOnlySpan<byte> text)
    {
        for (var parts = 1; ; parts++)
        {
            var dot = text.IndexOf((byte)'.');
            if (dot < 0)
            {
                return text.IsEmpty || TryReadNumber(text, byte.MaxValue, out _);
            }

            if (parts == 4 || !TryReadNumber(text[..dot], byte.MaxValue, out _))
            {
                return false;
            }

            text = text[(dot + 1)..];
        }
    }

    /// <summary>Every start of an address becomes one with one of these behind it.</summary>
    private static bool IsIPv6Start(ReadOnlySpan<byte> text)
    {
        Span<byte> whole = stackalloc byte[MaxIPv6Length + 2];
        if (text.Length > MaxIPv6Length)
        {
            return false;
        }

        text.CopyTo(whole);
        "::"u8.CopyTo(whole[text.Length..]);
        if (ReadIPv6(text) is not null || ReadIPv6(whole[..(text.Length + 1)]) is not null || ReadIPv6(whole[..(text.Length + 2)]) is not null)
        {
            return true;
        }

        whole[text.Length] = (byte)'0';
        return ReadIPv6(whole[..(text.Length + 1)]) is not null;
    }

    private static IPAddress? ReadIPv6(ReadOnlySpan<byte> text)
    {
        Span<byte> bytes = stackalloc byte[16];
        var at = 0;
        var gap = -1;
        if (text.StartsWith("::"u8))
        {
            gap = 0;
            text = text[2..];
        }

        while (!text.IsEmpty)
        {
            var colon = text.IndexOf((byte)':');
            var group = colon < 0 ? text : text[..colon];
            if (at == bytes.Length || group.Length > 4 || group.ContainsAnyExcept(HexDigits)
                || !ushort.TryParse(group, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                return null;
            }

            bytes[at++] = (byte)(value >> 8);
            bytes[at++] = (byte)value;
            text = colon < 0 ? default : text[(colon + 1)..];
            if (colon >= 0 && text.IsEmpty)
            {
                return null;
            }

            if (text is [(byte)':', ..])
            {
                if (gap >= 0)
                {
                    return null;
                }

                gap = at;
                text = text[1..];
            }
        }

        if (gap < 0 ? at != bytes.Length : at == bytes.Length)
        {
            return null;
        }

        if (gap >= 0)
        {
            var behind = at - gap;
            bytes[gap..at].CopyTo(bytes[^behind..]);
            bytes[gap..^behind].Clear();
        }

        return new IPAddress(bytes);
    }
}
