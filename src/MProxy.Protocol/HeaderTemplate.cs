using System.Buffers.Text;
using System.Text;

namespace MProxy.Protocol;

/// <summary>
/// The header of one kind of frame for one client, with everything but SIZE already encoded. Frames of a client differ in
/// nothing else, so writing one formats a number and copies two short runs of bytes.
/// </summary>
public sealed class HeaderTemplate
{
    // Of the largest body that a header can declare.
    private const int MaxDigits = 19;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _prefix;
    private readonly byte[] _suffix;

    /// <summary>Encodes the fields.</summary>
    /// <exception cref="FrameFieldException">A field holds a comma, a control character or no valid text, or has the wrong range.</exception>
    public HeaderTemplate(FrameKind kind, in FrameMeta meta, bool compact = false)
    {
        Check(kind, meta);
        if (kind == FrameKind.Control)
        {
            _prefix = ",,,"u8.ToArray();
            _suffix = ",control"u8.ToArray();
            return;
        }

        var servicePort = meta.ServicePort is null or 0 ? "" : $"{meta.ServicePort}";
        var suffix = kind switch
        {
            FrameKind.Message => $",{meta.Service},{servicePort},{meta.Name}",
            FrameKind.Connection => $",connection,{servicePort},{meta.Name},{meta.Service}",
            _ => $",{Verb.FromKind(kind)},{servicePort},{meta.Name}",
        };
        if (compact)
        {
            // The fifth field is never left out: a header of four fields is no header.
            var trimmed = suffix.TrimEnd(',');
            suffix = trimmed.Length == 0 ? "," : trimmed;
        }

        _prefix = StrictUtf8.GetBytes($"{meta.Family},{meta.Address},{meta.Port},");
        _suffix = StrictUtf8.GetBytes(suffix);
    }

    /// <summary>The length of preamble and header for a body, in bytes.</summary>
    /// <exception cref="FrameFieldException">The header would be over 255 bytes.</exception>
    public int Measure(long bodyLength)
    {
        var header = _prefix.Length + CountDigits(bodyLength) + _suffix.Length;
        return header <= WireFormat.MaxHeaderLength
            ? WireFormat.PreambleLength + header
            : throw new FrameFieldException("Header", $"The header would be {header} bytes long, and {WireFormat.MaxHeaderLength} is the most: shorten Name or Service.");
    }

    /// <summary>Writes preamble and header at the end of <paramref name="room"/>, right before a body that follows it there.</summary>
    /// <returns>How many bytes were written.</returns>
    public int WriteBefore(Span<byte> room, long bodyLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bodyLength);
        if (_prefix.Length + MaxDigits + _suffix.Length > WireFormat.MaxHeaderLength)
        {
            // Only a SIZE of few digits may fit.
            _ = Measure(bodyLength);
        }

        var start = room.Length - _suffix.Length;
        _suffix.CopyTo(room[start..]);
        var rest = (ulong)bodyLength;
        do
        {
            (rest, var digit) = Math.DivRem(rest, 10);
            room[--start] = (byte)('0' + digit);
        }
        while (rest > 0);

        start -= _prefix.Length;
        _prefix.CopyTo(room[start..]);
        room[start - 1] = (byte)(room.Length - start);
        room[start - 2] = WireFormat.Version1;
        return room.Length - start + WireFormat.PreambleLength;
    }

    /// <summary>Writes a header that was read, byte for byte but for a smaller SIZE, with its preamble.</summary>
    /// <param name="header">The header.</param>
    /// <param name="bodyLength">How much of the body follows; all of it leaves the header as it was.</param>
    /// <param name="target">Where to: <see cref="WireFormat.MaxHeaderRoom"/> bytes always do.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Rewrite(in FrameHeader header, long bodyLength, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bodyLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bodyLength, header.BodyLength);
        var raw = header.Raw;
        var written = WireFormat.PreambleLength;
        if (bodyLength == header.BodyLength)
        {
            raw.CopyTo(target[written..]);
            written += raw.Length;
        }
        else
        {
            raw[..header.Size.Start].CopyTo(target[written..]);
            written += header.Size.Start.Value;
            _ = Utf8Formatter.TryFormat(bodyLength, target[written..], out var digits);
            written += digits;
            raw[header.Size.End..].CopyTo(target[written..]);
            written += raw.Length - header.Size.End.Value;
        }

        target[0] = WireFormat.Version1;
        target[1] = (byte)(written - WireFormat.PreambleLength);
        return written;
    }

    private static int CountDigits(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        var digits = 1;
        while ((value /= 10) > 0)
        {
            digits++;
        }

        return digits;
    }

    private static void Check(FrameKind kind, in FrameMeta meta)
    {
        if (kind == FrameKind.Control)
        {
            return;
        }

        CheckText(nameof(meta.Family), meta.Family);
        CheckText(nameof(meta.Address), meta.Address);
        CheckPort(nameof(meta.Port), meta.Port);
        CheckText(nameof(meta.Service), meta.Service);
        CheckPort(nameof(meta.ServicePort), meta.ServicePort);
        CheckText(nameof(meta.Name), meta.Name);
        if (kind == FrameKind.Message && Verb.IsVerb(meta.Service))
        {
            throw new FrameFieldException(nameof(meta.Service), $"'{meta.Service}' is a verb, not a service: give it as the frame's kind.");
        }
    }

    private static void CheckText(string field, string? value)
    {
        foreach (var c in value ?? "")
        {
            if (c == ',')
            {
                throw new FrameFieldException(field, $"{field} holds a comma, which separates header fields and cannot be escaped.");
            }

            if (char.IsControl(c))
            {
                throw new FrameFieldException(field, $"{field} holds the control character U+{(int)c:X4}.");
            }
        }

        try
        {
            _ = StrictUtf8.GetByteCount(value ?? "");
        }
        catch (EncoderFallbackException)
        {
            throw new FrameFieldException(field, $"{field} holds half a surrogate pair, which is no text.");
        }
    }

    private static void CheckPort(string field, int? port)
    {
        if (port is < 0 or > ushort.MaxValue)
        {
            throw new FrameFieldException(field, $"{field} is {port}, and a port is a number from 0 to 65535.");
        }
    }
}
