namespace MProxy.Engine.Carriers;

/// <summary>Reads the text of a carrier address. No message repeats a query or a user: both may be secrets.</summary>
internal static class CarrierUriReader
{
    private const int MaxLength = 2048;
    private const string Forms = "write it as tcp://host:port, tls://host:port, ws://host/path, wss://host/path or unix:///path";

    public static CarrierUri Read(string text)
    {
        if (text.Length > MaxLength)
        {
            throw new FormatException($"The carrier address is too long: at most {MaxLength} characters.");
        }

        var end = text.IndexOf("://", StringComparison.Ordinal);
        if (end <= 0)
        {
            throw new FormatException($"'{Shown(text)}' has no scheme: {Forms}.");
        }

        if (text.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0)
        {
            throw new FormatException("The carrier address holds a control character.");
        }

        if (text.Contains('#', StringComparison.Ordinal))
        {
            throw new FormatException($"'{Shown(text)}' has a fragment (#…): a carrier address has none.");
        }

        return text[..end].ToLowerInvariant() switch
        {
            "unix" => ReadUnix(text[(end + 3)..]),
            "tcp" or "tls" or "ws" or "wss" => ReadNetwork(text),
            _ => throw new FormatException($"The carrier '{Shown(text[..end])}' is not supported: {Forms}."),
        };
    }

    private static CarrierUri ReadUnix(string path)
    {
        if (!path.StartsWith('/') || path.Length == 1)
        {
            throw new FormatException($"'{Shown(path)}' is no absolute path: write unix:///run/mproxy.sock, with three slashes.");
        }

        if (path.Contains('?', StringComparison.Ordinal))
        {
            throw new FormatException($"'{Shown(path)}' has a query: a unix carrier has none.");
        }

        return new CarrierUri("unix", "", 0, "", UnixSocket.PathFrom(path)
            ?? throw new FormatException($"The path '{Shown(path)}' is too long for a socket file on this system."));
    }

    private static CarrierUri ReadNetwork(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            throw new FormatException($"'{Shown(text)}' is no carrier address: {Forms}.");
        }

        if (uri.UserInfo.Length > 0 || uri.Authority.Contains('@', StringComparison.Ordinal))
        {
            throw new FormatException($"The address of {uri.Host} holds a user: a carrier address has none; a token says who a device is.");
        }

        var isWebSocket = uri.Scheme is "ws" or "wss";
        if (uri.Port < 0)
        {
            throw new FormatException($"'{Shown(text)}' needs a port: write it as {uri.Scheme}://host:port.");
        }

        if (!isWebSocket && uri.PathAndQuery is not ("" or "/"))
        {
            throw new FormatException($"'{Shown(text)}' has a path, which only ws and wss have: write it as {uri.Scheme}://host:port.");
        }

        return new CarrierUri(uri.Scheme, uri.IdnHost.Trim('[', ']').Replace("%25", "%", StringComparison.Ordinal), uri.Port, isWebSocket ? uri.PathAndQuery : "", null);
    }

    /// <summary>What of a text can be shown.</summary>
    private static string Shown(string text)
    {
        var end = text.AsSpan().IndexOfAny('?', '#');
        var shown = end < 0 ? text : text[..end];
        var user = shown.LastIndexOf('@');
        shown = user < 0 ? shown : $"…{shown[user..]}";
        return shown.Length > 100 ? $"{shown[..100]}…" : shown;
    }
}
