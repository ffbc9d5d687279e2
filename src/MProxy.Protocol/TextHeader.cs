using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace MProxy.Protocol;

/// <summary>Reads the header of version 1: UTF-8 fields joined by commas. Source: protocol.md, section 1, "Unpacking".</summary>
internal static class TextHeader
{
    private const int MaxFields = 8;

    /// <summary>Parses one header. <paramref name="offset"/> is where it starts in the stream, for errors.</summary>
    public static FrameHeader Parse(ReadOnlySpan<byte> header, long offset, bool lenient, long maxBodyLength)
    {
        if (!lenient && !Utf8.IsValid(header))
        {
            throw new ProtocolException("The header is no valid UTF-8.", offset);
        }

        Span<int> starts = stackalloc int[MaxFields + 1];
        var count = Split(header, starts);
        if (count < WireFormat.MinFieldCount)
        {
            throw new ProtocolException(
                $"The header has {count} field(s), and a frame needs at least {WireFormat.MinFieldCount}: family,address,port,SIZE,service.",
                offset);
        }

        var verb = Field(header, starts, 4);
        var kind = Verb.ToKind(verb);
        var serviceIndex = kind switch { FrameKind.Message => 4, FrameKind.Connection => 7, _ => MaxFields };
        return new FrameHeader
        {
            Kind = kind,
            Identity = kind == FrameKind.Control ? default : header[..(starts[3] - 1)],
            Family = Field(header, starts, 0),
            Address = Field(header, starts, 1),
            Port = ParsePort(Field(header, starts, 2), offset + starts[2], lenient, "port"),
            BodyLength = ParseSize(Field(header, starts, 3), offset + starts[3], lenient, maxBodyLength),
            Service = serviceIndex < count ? Field(header, starts, serviceIndex) : default,
            HasService = serviceIndex < count,
            ServicePort = count > 5 ? ParsePort(Field(header, starts, 5), offset + starts[5], lenient, "service port") : null,
            Name = count > 6 ? Field(header, starts, 6) : default,
            HasName = count > 6,
            Raw = header,
            Size = starts[3]..(starts[4] - 1),
        };
    }

    /// <summary>Where each field starts; behind the last one, where a further field would. Fields past the eighth are cut off.</summary>
    private static int Split(ReadOnlySpan<byte> header, scoped Span<int> starts)
    {
        var position = 0;
        for (var count = 0; ; count++)
        {
            starts[count] = position;
            if (count == MaxFields)
            {
                return MaxFields;
            }

            var comma = header[position..].IndexOf((byte)',');
            if (comma < 0)
            {
                starts[count + 1] = header.Length + 1;
                return count + 1;
            }

            position += comma + 1;
        }
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> header, scoped ReadOnlySpan<int> starts, int index) =>
        header[starts[index]..(starts[index + 1] - 1)];

    private static int? ParsePort(ReadOnlySpan<byte> text, long offset, bool lenient, string what)
    {
        if (text.IsEmpty)
        {
            return null;
        }

        if (IsDigits(text) && Utf8Parser.TryParse(text, out int port, out var used) && used == text.Length && port <= ushort.MaxValue)
        {
            return port;
        }

        return lenient ? null : throw new ProtocolException($"The {what} is no number from 0 to 65535.", offset);
    }

    private static long ParseSize(ReadOnlySpan<byte> text, long offset, bool lenient, long limit)
    {
        if (!IsDigits(text))
        {
            if (!lenient)
            {
                throw new ProtocolException("SIZE, the header's fourth field, is no decimal number of bytes.", offset);
            }

            return LenientSize(text, offset, limit);
        }

        if (!Utf8Parser.TryParse(text, out ulong size, out _) || size > (ulong)limit)
        {
            throw TooLarge(offset, limit);
        }

        return (long)size;
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
