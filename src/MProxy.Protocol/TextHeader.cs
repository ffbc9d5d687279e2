using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace MProxy.Protocol;

/// <summary>Reads the header of version 1: UTF-8 fields joined by commas. Source: protocol.md, section 1, "Unpacking".</summary>
internal static class TextHeader
{
    // A number of so many digits fits into a long.
    private const int MaxPlainDigits = 18;

    /// <summary>Parses one header into a view of it. <paramref name="offset"/> is where it starts in the stream, for errors.</summary>
    public static void Parse(ReadOnlySpan<byte> header, long offset, bool lenient, long maxBodyLength, ref FrameHeader view)
    {
        var fields = HeaderFields.Split(header);
        if (!fields.IsAscii && !lenient && !Utf8.IsValid(header))
        {
            throw new ProtocolException("The header is no valid UTF-8.", offset);
        }

        if (fields.Count < WireFormat.MinFieldCount)
        {
            throw new ProtocolException(
                $"The header has {fields.Count} field(s), and a frame needs at least {WireFormat.MinFieldCount}: family,address,port,SIZE,service.",
                offset);
        }

        var kind = Verb.ToKind(fields.Of(header, 4));
        var port = ParsePort(fields.Of(header, 2), offset + fields.Start(2), lenient, "port");
        var size = ParseSize(fields.Of(header, 3), offset + fields.Start(3), lenient, maxBodyLength);
        var servicePort = ParsePort(fields.Of(header, 5), offset + fields.Start(5), lenient, "service port");
        view.Set(header, fields, kind, port, size, servicePort);
    }

    /// <summary>The number; <see cref="FrameHeader.NoPort"/> where there is none.</summary>
    private static int ParsePort(ReadOnlySpan<byte> text, long offset, bool lenient, string what)
    {
        var port = text.IsEmpty ? FrameHeader.NoPort : 0;
        foreach (var character in text)
        {
            var digit = character - '0';
            port = (port * 10) + digit;
            if (digit is < 0 or > 9 || port > ushort.MaxValue)
            {
                return lenient ? FrameHeader.NoPort : throw new ProtocolException($"The {what} is no number from 0 to 65535.", offset);
            }
        }

        return port;
    }

    private static long ParseSize(ReadOnlySpan<byte> text, long offset, bool lenient, long limit)
    {
        if (text.IsEmpty || text.Length > MaxPlainDigits)
        {
            return ParseUnusualSize(text, offset, lenient, limit);
        }

        var size = 0L;
        foreach (var character in text)
        {
            var digit = character - '0';
            if (digit is < 0 or > 9)
            {
                return ParseUnusualSize(text, offset, lenient, limit);
            }

            size = (size * 10) + digit;
        }

        return size <= limit ? size : throw TooLarge(offset, limit);
    }

    /// <summary>A SIZE with zeros in front, beyond every limit, or that is no number at all.</summary>
    private static long ParseUnusualSize(ReadOnlySpan<byte> text, long offset, bool lenient, long limit)
    {
        if (!IsDigits(text))
        {
            return lenient
                ? LenientSize(text, offset, limit)
                : throw new ProtocolException("SIZE, the header's fourth field, is no decimal number of bytes.", offset);
        }

        return Utf8Parser.TryParse(text, out ulong size, out _) && size <= (ulong)limit ? (long)size : throw TooLarge(offset, limit);
    }

    /// <summary>The number that the reference takes from a SIZE that is none: JavaScript's <c>parseInt(x, 10)</c>, or 0.</summary>
    private static long LenientSize(ReadOnlySpan<byte> field, long offset, long limit)
    {
        // string.Trim's white space is ECMAScript's, but for U+0085 (theirs not) and U+FEFF (theirs).
        var text = Encoding.UTF8.GetString(field).AsSpan();
        while (!text.IsEmpty && (text[0] == '\uFEFF' || (char.IsWhiteSpace(text[0]) && text[0] != '\u0085')))
        {
            text = text[1..];
        }

        var negative = !text.IsEmpty && text[0] == '-';
        if (!text.IsEmpty && text[0] is '-' or '+')
        {
            text = text[1..];
        }

        var digits = text.IndexOfAnyExceptInRange('0', '9');
        text = digits < 0 ? text : text[..digits];
        text = text.TrimStart('0');
        if (text.IsEmpty)
        {
            return 0;
        }

        if (negative)
        {
            throw new ProtocolException("SIZE is negative.", offset);
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= (ulong)limit
            ? (long)size
            : throw TooLarge(offset, limit);
    }

    private static bool IsDigits(ReadOnlySpan<byte> text) =>
        !text.IsEmpty && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    private static ProtocolException TooLarge(long offset, long limit) =>
        new($"The frame declares a body of more than {limit} bytes, the limit set here.", offset);
}
