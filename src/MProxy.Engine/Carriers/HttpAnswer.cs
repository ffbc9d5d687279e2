using System.Globalization;
using System.Text;

namespace MProxy.Engine.Carriers;

/// <summary>An answer that ends the connection.</summary>
internal sealed record HttpAnswer(int Status, string Reason, string Text)
{
    /// <summary>What the root of a relay shows to people and to probes.</summary>
    public static readonly HttpAnswer StatusPage = new(200, "OK", "This is an MProxy relay.\nDevices connect to it by WebSocket.\n");

    public static readonly HttpAnswer NotFound = new(404, "Not Found", "There is nothing here.\n");

    public static readonly HttpAnswer MethodNotAllowed = new(405, "Method Not Allowed", "This relay knows GET and HEAD only.\n") { Header = "Allow: GET, HEAD\r\n" };

    public static readonly HttpAnswer UpgradeRequired =
        new(426, "Upgrade Required", "This relay speaks WebSocket version 13.\n") { Header = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" };

    /// <summary>More header lines, each with its line end.</summary>
    public string Header { get; private init; } = "";

    /// <param name="text">What is wrong, without anything of the request: it is shown to whoever sent it, and may be logged on the way.</param>
    public static HttpAnswer BadRequest(string text) => new(400, "Bad Request", $"{text}\n");

    /// <summary>The bytes of it; an answer to HEAD has no body.</summary>
    public byte[] ToBytes(bool withBody)
    {
        // 426 says Upgrade, and then Connection must name it.
        var connection = Status == 426 ? "close, Upgrade" : "close";
        return Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {Status} {Reason}\r\n{Header}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {Text.Length}\r\nCache-Control: no-store\r\nConnection: {connection}\r\n\r\n{(withBody ? Text : "")}"));
    }
}
