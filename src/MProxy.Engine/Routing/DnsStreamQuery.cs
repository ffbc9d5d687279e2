using System.Buffers.Binary;

namespace MProxy.Engine.Routing;

/// <summary>A DNS message in a stream, behind its length in two bytes (RFC 1035, section 4.2.2).</summary>
internal static class DnsStreamQuery
{
    /// <summary>The bytes of a length.</summary>
    public const int LengthBytes = 2;

    /// <summary>The most bytes that are needed to know a question.</summary>
    public const int MaxLength = LengthBytes + DnsQuery.MaxQuestionEnd;

    /// <summary>Reads the question of the next message; null where it is none.</summary>
    /// <param name="data">Bytes from the message's length on.</param>
    /// <param name="length">How many bytes the message has with its length.</param>
    /// <param name="needsMore">More bytes have to tell.</param>
    public static DnsQuery? TryRead(ReadOnlySpan<byte> data, out int length, out bool needsMore)
    {
        length = 0;
        needsMore = data.Length < LengthBytes;
        if (needsMore)
        {
            return null;
        }

        length = LengthBytes + BinaryPrimitives.ReadUInt16BigEndian(data);
        var message = data[LengthBytes..Math.Min(data.Length, length)];
        var query = DnsQuery.TryRead(message, out needsMore);

        // What is short although all of it is here is malformed.
        needsMore &= message.Length < length - LengthBytes;
        return query is { IsAnswer: false } ? query : null;
    }

    /// <summary>A message behind its length.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        var framed = new byte[LengthBytes + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed.AsSpan(LengthBytes));
        return framed;
    }
}
