using System.Globalization;

namespace MProxy.Engine.Http;

/// <summary>
/// How long a request's body is (RFC 9112, section 6). Two readers that disagree about it can be made to see two different requests in the
/// same bytes, so there is exactly one way to write each length.
/// </summary>
/// <param name="Length">Of a body that is not chunked, in bytes.</param>
/// <param name="IsChunked">The body says itself where it ends.</param>
internal readonly record struct HttpFraming(long Length, bool IsChunked)
{
    private const string LengthHeader = "Content-Length";
    private const string EncodingHeader = "Transfer-Encoding";
    private const int MaxDigits = 18;

    /// <summary>Reads it from the headers; null where they can be taken in two ways.</summary>
    public static HttpFraming? TryRead(HttpRequestHead head)
    {
        if (IsDisguised(head, LengthHeader) || IsDisguised(head, EncodingHeader) || head.HasWord("Connection", "Host"))
        {
            return null;
        }

        var framing = (head.Count(LengthHeader), head.Count(EncodingHeader)) switch
        {
            (0, 0) => default(HttpFraming),
            (1, 0) => TryReadLength(head.Header(LengthHeader)!),
            (0, 1) when !head.IsVersion10 && head.Header(EncodingHeader)!.Equals("chunked", StringComparison.OrdinalIgnoreCase) => new HttpFraming(0, true),
            _ => null,
        };

        // What follows a CONNECT is the tunnel's: a body would be read as its first bytes (RFC 9110, section 9.3.6).
        return head.Method == "CONNECT" && framing != default(HttpFraming) ? null : framing;
    }

    /// <summary>
    /// The header is there under a name that some servers take for the same, or is named in Connection, so that a proxy on the way may take
    /// it out.
    /// </summary>
    private static bool IsDisguised(HttpRequestHead head, string name) =>
        head.Count(name.Replace('-', '_')) > 0 || head.HasWord("Connection", name);

    private static HttpFraming? TryReadLength(string text) =>
        text.Length <= MaxDigits && text is "0" or not ['0', ..] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? new HttpFraming(length, false)
            : null;
}
