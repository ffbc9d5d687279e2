using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A WebSocket made by hand on a stream, by either side: it writes whatever frames it likes, and answers neither ping nor close.</summary>
internal static class LyingWebSocket
{
    public const byte Continuation = 0x00;
    public const byte Text = 0x01;
    public const byte Binary = 0x02;
    public const byte Close = 0x08;
    public const byte Ping = 0x09;
    public const byte Pong = 0x0a;
    public const byte Final = 0x80;

    public static async Task UpgradeAsync(Stream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(RawWebSocket.Request()), cancellationToken);
        var head = await ReadHeadAsync(stream, cancellationToken);
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            throw new IOException(head);
        }
    }

    public static async Task AcceptAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = await ReadHeadAsync(stream, cancellationToken);
        var key = head.Split("Sec-WebSocket-Key: ")[1].Split('\r')[0];
#pragma warning disable CA5350 // RFC 6455 asks for it.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        var answer = $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), cancellationToken);
    }

    /// <summary>One frame, masked with zeros where a client sends it.</summary>
    /// <param name="firstByte">Whether it is the last of its message, reserved bits, and what it is.</param>
    /// <param name="payload">What it carries.</param>
    /// <param name="isMasked">A client's are to be, a server's are not.</param>
    /// <param name="declared">The length that it says; null for the right one.</param>
    public static byte[] Frame(byte firstByte, ReadOnlySpan<byte> payload, bool isMasked, long? declared = null)
    {
        var length = declared ?? payload.Length;
        var mask = isMasked ? (byte)0x80 : (byte)0;
        var head = new byte[10];
        head[0] = firstByte;
        var headLength = 2;
        if (length is < 126 and >= 0)
        {
            head[1] = (byte)(mask | length);
        }
        else if (length is >= 0 and <= ushort.MaxValue)
        {
            head[1] = (byte)(mask | 126);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(2), (ushort)length);
            headLength = 4;
        }
        else
        {
            head[1] = (byte)(mask | 127);
            BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(2), length);
            headLength = 10;
        }

        return [.. head.AsSpan(0, headLength), .. isMasked ? new byte[4] : [], .. payload];
    }

    /// <summary>The payload of the next frame of data; null at the end, and where the other side closes.</summary>
    public static async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            var head = new byte[2];
            if (await stream.ReadAtLeastAsync(head, 2, throwOnEndOfStream: false, cancellationToken) < 2 || (head[0] & 0x0f) == Close)
            {
                return null;
            }

            var extended = new byte[(head[1] & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 }];
            await stream.ReadExactlyAsync(extended, cancellationToken);
            var length = extended.Length switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(extended),
                8 => checked((int)BinaryPrimitives.ReadInt64BigEndian(extended)),
                _ => head[1] & 0x7f,
            };
            var mask = new byte[(head[1] & 0x80) != 0 ? 4 : 0];
            await stream.ReadExactlyAsync(mask, cancellationToken);
            var payload = new byte[length];
            await stream.ReadExactlyAsync(payload, cancellationToken);
            for (var i = 0; i < payload.Length && mask.Length > 0; i++)
            {
                payload[i] ^= mask[i & 3];
            }

            if ((head[0] & 0x0f) is Binary or Continuation)
            {
                return payload;
            }
        }
    }

    private static async Task<string> ReadHeadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, cancellationToken);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
