using System.Buffers.Binary;
using System.Text;

namespace MProxy.Engine.Tests.Datagrams;

/// <summary>DNS messages, byte by byte.</summary>
internal static class DnsMessages
{
    /// <summary>A question for a name, with what is left of a message behind it.</summary>
    public static byte[] Query(string name, ushort type = 1, ushort id = 0x1234, byte[]? rest = null, ushort questions = 1, byte flags = 1)
    {
        List<byte> message = [(byte)(id >> 8), (byte)id, flags, 0, (byte)(questions >> 8), (byte)questions, 0, 0, 0, 0, 0, (byte)(rest is null ? 0 : 1)];
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            message.Add((byte)label.Length);
            message.AddRange(Encoding.Latin1.GetBytes(label));
        }

        message.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        return [.. message, .. rest ?? []];
    }

    /// <summary>The EDNS record of a query that takes answers of 1,232 bytes.</summary>
    public static byte[] Edns() => [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

    /// <summary>An answer of a given length to a question.</summary>
    public static byte[] Answer(ReadOnlySpan<byte> query, int length)
    {
        var answer = new byte[Math.Max(length, query.Length)];
        query.CopyTo(answer);
        answer[2] |= 0x80;
        return answer;
    }

    public static byte[] Framed(params byte[][] messages)
    {
        List<byte> framed = [];
        foreach (var message in messages)
        {
            var length = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)message.Length);
            framed.AddRange([.. length, .. message]);
        }

        return [.. framed];
    }
}
