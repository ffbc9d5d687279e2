namespace MProxy.Protocol;

/// <summary>Packs whole frames. For a stream of frames of one client, <see cref="HeaderTemplate"/> does it without an allocation.</summary>
public static class FrameEncoder
{
    /// <summary>Header and body in one buffer.</summary>
    /// <exception cref="FrameFieldException">A field cannot be written, or the header would be over 255 bytes.</exception>
    public static byte[] Encode(FrameKind kind, in FrameMeta meta, ReadOnlySpan<byte> body, FrameEncoding encoding = FrameEncoding.Default)
    {
        if (body.IsEmpty && encoding.HasFlag(FrameEncoding.LegacyPadding))
        {
            body = " "u8;
        }

        return Encode(kind, meta, body.Length, body, encoding);
    }

    /// <summary>The header alone, declaring a body of <paramref name="bodyLength"/> bytes that the caller sends behind it.</summary>
    /// <exception cref="FrameFieldException">A field cannot be written, or the header would be over 255 bytes.</exception>
    public static byte[] EncodeHeader(FrameKind kind, in FrameMeta meta, long bodyLength, FrameEncoding encoding = FrameEncoding.Default) =>
        Encode(kind, meta, bodyLength == 0 && encoding.HasFlag(FrameEncoding.LegacyPadding) ? 1 : bodyLength, default, encoding);

    private static byte[] Encode(FrameKind kind, in FrameMeta meta, long declared, ReadOnlySpan<byte> body, FrameEncoding encoding)
    {
        var header = new HeaderTemplate(kind, meta, encoding.HasFlag(FrameEncoding.Compact));
        var length = header.Measure(declared);
        var frame = new byte[length + body.Length];
        _ = header.WriteBefore(frame.AsSpan(0, length), declared);
        body.CopyTo(frame.AsSpan(length));
        return frame;
    }
}
