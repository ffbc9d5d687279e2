using System.Text;

namespace MProxy.Fuzz;

/// <summary>What the formats are made of, so that chance need not spell it.</summary>
internal static class Words
{
    public static IReadOnlyList<byte[]> All { get; } =
    [
        .. new[]
        {
            "IPv4,10.0.0.1,5,", "IPv6,::1,5,", "tcp,80,", "connection", "control", "message", "end", "error", "pause", "resume", "udp", "dns",
            "\"hello\"", "\"ping\"", "\"grant\"", "\"add_token\"", "\"delete_token\"", "\"services\"", "\"drain\"", "\"access_token\"", "[0,{\"message\":\"", "\"code\":\"E_", "null", "[1],[",
            "GET / HTTP/1.1\r\n", "POST ", "CONNECT h:443 ", "OPTIONS * ", "http://h/", "Host: h\r\n", "Host: g\r\n", "\r\n\r\n", "\n\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
            "Connection: Upgrade\r\n", "Upgrade: websocket\r\n", "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Authorization: Bearer ", "access_token=",
            "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", "192.0.2.7 198.51.100.1 1 443\r\n",
        }.Select(Encoding.ASCII.GetBytes),
        [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00, 0x0c],
        [254], [255, 7], [22, 3, 1], [0, 0, 0, 0], [1, (byte)'a', 4, (byte)'t', (byte)'e', (byte)'s', (byte)'t', 0, 0, 1, 0, 1],
    ];
}
