using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Http;

namespace MProxy.Engine.Carriers;

/// <summary>What a relay answers to a request: either it becomes a WebSocket (RFC 6455, section 4.2), or it gets an answer and ends.</summary>
internal sealed class WebSocketUpgrade
{
    private const int KeyLength = 16;
    private const string BearerScheme = "Bearer";

    /// <summary>Headers that decide something here, so that there must be no doubt which one counts.</summary>
    private static readonly string[] Single = ["Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization"];

    private WebSocketUpgrade(HttpRequestHead head, string? token)
    {
        Response = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Accept(head.Header("Sec-WebSocket-Key")!)}\r\n\r\n");
        Token = token;
        Path = QueryToken.Redact(head.Target);
    }

    /// <summary>What the device is sent before its WebSocket begins.</summary>
    public byte[] Response { get; }

    /// <summary>The device's token, from the Authorization header or the query; null without one. A secret.</summary>
    public string? Token { get; }

    /// <summary>Path and query asked for, without the token.</summary>
    public string Path { get; }

    /// <summary>Decides about a request: exactly one of the two is given.</summary>
    /// <param name="head">The request.</param>
    /// <param name="hasMore">Bytes came behind its head already.</param>
    /// <param name="listenPath">The only path that is upgraded; <c>/</c> for all.</param>
    /// <param name="acceptPages">Web pages may be devices too: whoever comes is asked for more than being on this machine.</param>
    public static (WebSocketUpgrade? Upgrade, HttpAnswer? Answer) Decide(HttpRequestHead head, bool hasMore, string listenPath, bool acceptPages)
    {
        // Only a client of a proxy writes a whole address into its request, and a WebSocket needs HTTP/1.1.
        if (head.IsVersion10 || head.Form != HttpTargetForm.Origin || Array.Exists(Single, name => head.Count(name) > 1))
        {
            return (null, HttpAnswer.NotUnderstood);
        }

        if (head.Method is not ("GET" or "HEAD"))
        {
            return (null, HttpAnswer.MethodNotAllowed);
        }

        if (!head.HasWord("Upgrade", "websocket"))
        {
            return (null, head.Path == "/" ? HttpAnswer.StatusPage : HttpAnswer.NotFound);
        }

        string? token = null;
        var fault = FindFault(head, hasMore, listenPath, acceptPages) ?? FindToken(head, out token);
        return fault is null ? (new WebSocketUpgrade(head, token), null) : (null, fault);
    }

    private static HttpAnswer? FindFault(HttpRequestHead head, bool hasMore, string listenPath, bool acceptPages) =>
        head.Method != "GET" ? HttpAnswer.MethodNotAllowed
        : listenPath is not "/" && head.Path != listenPath ? HttpAnswer.NotFound
        // A browser on this machine opens a WebSocket to it for any page, and says whose by this header.
        : !acceptPages && head.Header("Origin") is not null ? HttpAnswer.NoPages
        : !head.HasWord("Connection", "upgrade") ? HttpAnswer.BadRequest("The Connection header does not say Upgrade.")
        : head.Header("Sec-WebSocket-Version") != "13" ? HttpAnswer.UpgradeRequired
        : !IsKey(head.Header("Sec-WebSocket-Key")) ? HttpAnswer.BadRequest("Sec-WebSocket-Key is not 16 bytes in base64.")
        : head.Header("Content-Length") is not (null or "0") || head.Header("Transfer-Encoding") is not null ? HttpAnswer.BadRequest("An upgrade has no body.")
        : hasMore ? HttpAnswer.BadRequest("Bytes came before the upgrade was answered.")
        : null;

    private static HttpAnswer? FindToken(HttpRequestHead head, out string? token)
    {
        token = null;
        if (!TryReadBearer(head.Header("Authorization"), out var fromHeader))
        {
            return HttpAnswer.BadRequest("The Authorization header holds no token behind Bearer.");
        }

        if (!QueryToken.TryFind(head.Target, out var fromQuery))
        {
            return HttpAnswer.BadRequest("access_token is given more than once.");
        }

        if (fromHeader is not null && fromQuery is not null && fromHeader != fromQuery)
        {
            return HttpAnswer.BadRequest("The token in the Authorization header is another than the one in the query.");
        }

        token = fromHeader ?? fromQuery;
        return null;
    }

    /// <summary>Other schemes than Bearer are somebody else's, such as a proxy's in front.</summary>
    private static bool TryReadBearer(string? authorization, out string? token)
    {
        token = null;
        var parts = (authorization ?? "").Split(' ', 2);
        if (!parts[0].Equals(BearerScheme, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        token = parts.Length == 2 ? parts[1].Trim(' ') : "";
        return token.Length > 0 && token.All(c => c is > ' ' and <= '~');
    }

    private static bool IsKey(string? key)
    {
        Span<byte> bytes = stackalloc byte[KeyLength];
        return key is { Length: 24 } && Convert.TryFromBase64String(key, bytes, out var length) && length == KeyLength;
    }

#pragma warning disable CA5350 // SHA-1 is what RFC 6455 asks for; it protects nothing here.
    private static string Accept(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
