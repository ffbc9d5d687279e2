using System.Globalization;
using System.Text;

namespace MProxy.Engine.Http;

/// <summary>An answer that ends the connection. Its text says nothing of the request: it is shown to whoever sent it, and may be logged on the way.</summary>
internal sealed record HttpAnswer(int Status, string Reason, string Text)
{
    /// <summary>What the root of a relay shows to people and to probes.</summary>
    public static readonly HttpAnswer StatusPage = new(200, "OK", "This is an MProxy relay.\nDevices connect to it by WebSocket.\n");

    /// <summary>To a web page that would be a device of a relay which lets everybody in.</summary>
    public static readonly HttpAnswer NoPages = new(403, "Forbidden", "Web pages are no devices here: the request has an Origin, and this relay asks for no token.\n");

    public static readonly HttpAnswer NotFound = new(404, "Not Found", "There is nothing here.\n");

    public static readonly HttpAnswer MethodNotAllowed = new(405, "Method Not Allowed", "Only GET and HEAD are known here.\n") { Header = "Allow: GET, HEAD\r\n" };

    public static readonly HttpAnswer UpgradeRequired =
        new(426, "Upgrade Required", "This relay speaks WebSocket version 13.\n") { Header = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" };

    public static readonly HttpAnswer NotUnderstood = BadRequest("This is no HTTP/1.1 request that this relay understands.");

    /// <summary>To a client for whose host no device is there; the host is not repeated.</summary>
    public static readonly HttpAnswer NoDevice = new(502, "Bad Gateway", "No device serves this name.\n");

    /// <summary>To a client that may come another time.</summary>
    public static readonly HttpAnswer Busy = new(503, "Service Unavailable", "There are too many clients now.\n") { Header = "Retry-After: 10\r\n" };

    /// <summary>To a client that starts with the preface of HTTP/2, whose requests cannot be told apart by host here.</summary>
    public static readonly HttpAnswer NoHttp2 = new(505, "HTTP Version Not Supported", "HTTP/2 needs a port of its own.\n");

    private const int HttpsPort = 443;

    /// <summary>More header lines, each with its line end.</summary>
    public string Header { get; private init; } = "";

    /// <summary>What the text is.</summary>
    public string ContentType { get; init; } = "text/plain; charset=utf-8";

    /// <param name="text">What is wrong, in one line of ASCII.</param>
    public static HttpAnswer BadRequest(string text) => new(400, "Bad Request", $"{text}\n");

    /// <summary>
    /// Sends a client to the same place by https, with the method it came with (RFC 9110, section 15.4.9). Null where the request names no host
    /// or no path: nothing else gets into the answer's head.
    /// </summary>
    /// <param name="head">The request.</param>
    /// <param name="port">Where https is; the request's own port is that of http.</param>
    public static HttpAnswer? RedirectToHttps(HttpRequestHead head, int port = HttpsPort)
    {
        if (head.Authority is not { } authority || HttpHostName.TryRead(authority) is not { } host || head.PathAndQuery.Length == 0)
        {
            return null;
        }

        var place = port == HttpsPort ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
        return new(308, "Permanent Redirect", "This is to be had by https.\n") { Header = $"Location: https://{place}{head.PathAndQuery}\r\n" };
    }

    /// <summary>The bytes of it; an answer to HEAD has no body.</summary>
    public byte[] ToBytes(bool withBody)
    {
        // 426 says Upgrade, and then Connection must name it.
        var connection = Status == 426 ? "close, Upgrade" : "close";
        return Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {Status} {Reason}\r\n{Header}Content-Type: {ContentType}\r\nContent-Length: {Encoding.UTF8.GetByteCount(Text)}\r\nCache-Control: no-store\r\nConnection: {connection}\r\n\r\n{(withBody ? Text : "")}"));
    }
}
