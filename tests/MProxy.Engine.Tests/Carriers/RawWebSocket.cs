using System.Net.Sockets;
using System.Text;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>A WebSocket client made by hand, to send what a well-behaved one does not.</summary>
internal sealed class RawWebSocket(Socket socket) : IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>An upgrade request; every line can be replaced, or taken out with an empty text.</summary>
    public static string Request(string line = "GET / HTTP/1.1", string host = "Host: h\r\n", string connection = "Connection: Upgrade\r\n", string upgrade = "Upgrade: websocket\r\n", string version = "Sec-WebSocket-Version: 13\r\n", string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", string more = "") =>
        $"{line}\r\n{host}{connection}{upgrade}{version}{key}{more}\r\n";

    public static async Task<RawWebSocket> ConnectAsync(Socket socket)
    {
        await socket.SendAsync(Encoding.Latin1.GetBytes(Request()), Token);
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await new RawWebSocket(socket).ReceiveAsync(1))[0]);
        }

        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);

        // The example of RFC 6455.
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head.ToString(), StringComparison.Ordinal);
        return new RawWebSocket(socket);
    }

    /// <summary>Sends one frame of up to 125 bytes, masked with zeros.</summary>
    public async Task SendAsync(byte firstByte, params byte[] payload) =>
        await socket.SendAsync(new byte[] { firstByte, (byte)(0x80 | payload.Length), 0, 0, 0, 0 }.Concat(payload).ToArray(), Token);

    public async Task<byte[]> ReceiveAsync(int length)
    {
        var bytes = new byte[length];
        for (var at = 0; at < length;)
        {
            var count = await socket.ReceiveAsync(bytes.AsMemory(at), Token);
            Assert.NotEqual(0, count);
            at += count;
        }

        return bytes;
    }

    public void Dispose() => socket.Dispose();
}
