using System.Text;

namespace MProxy.Engine.Http;

/// <summary>What a request asks for (RFC 9112, section 3.2).</summary>
internal sealed class HttpTarget
{
    private readonly int? _defaultPort;

    private HttpTarget(HttpTargetForm form, string text, string? authority = null, string path = "", int? defaultPort = null)
    {
        Form = form;
        Text = text;
        Authority = authority;
        PathAndQuery = path;
        _defaultPort = defaultPort;
    }

    public HttpTargetForm Form { get; }

    /// <summary>As it came: visible ASCII.</summary>
    public string Text { get; }

    /// <summary>Host and port that the target itself names; null in the forms that leave this to the Host header.</summary>
    public string? Authority { get; }

    /// <summary>From the first slash on, also where an absolute target left that out; empty in the forms that have none.</summary>
    public string PathAndQuery { get; }

    /// <summary>Reads a target in the one form that its method allows; null where it is none.</summary>
    public static HttpTarget? TryRead(string method, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) || bytes.Contains((byte)'#'))
        {
            return null;
        }

        var text = Encoding.ASCII.GetString(bytes);
        if (method == "CONNECT")
        {
            return HttpHostName.TrySplit(text, out _, out var port) && port is not null ? new HttpTarget(HttpTargetForm.Authority, text, text) : null;
        }

        return text[0] == '/' ? new HttpTarget(HttpTargetForm.Origin, text, path: text)
            : text != "*" ? TryReadAbsolute(text, "http://", 80) ?? TryReadAbsolute(text, "https://", 443)
            : method == "OPTIONS" ? new HttpTarget(HttpTargetForm.Asterisk, text)
            : null;
    }

    /// <summary>
    /// A Host header names the same host and port as the target. Of two readers one may believe the header and one the target, so there
    /// must be nothing to choose. CONNECT always has a port, which its Host header may leave out.
    /// </summary>
    public bool AgreesWith(string host) =>
        Authority is null
        || (HttpHostName.TrySplit(Authority, out var name, out var port)
            && HttpHostName.TrySplit(host, out var otherName, out var otherPort)
            && name.Equals(otherName, StringComparison.OrdinalIgnoreCase)
            && (port ?? _defaultPort) == (otherPort ?? _defaultPort ?? port));

    private static HttpTarget? TryReadAbsolute(string text, string scheme, int defaultPort)
    {
        if (!text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var rest = text[scheme.Length..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        var authority = end < 0 ? rest : rest[..end];
        var path = end < 0 ? "" : rest[end..];
        return HttpHostName.TrySplit(authority, out _, out _)
            ? new HttpTarget(HttpTargetForm.Absolute, text, authority, path is ['/', ..] ? path : $"/{path}", defaultPort)
            : null;
    }
}
