namespace MProxy.Engine.Carriers;

/// <summary>Refuses options that a scheme would silently ignore: who pins a certificate must not get a connection without one.</summary>
internal static class DialOptionsCheck
{
    /// <summary>What the upgrade itself is made of.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding",
    };

    /// <exception cref="ArgumentException">Names the option.</exception>
    public static void Check(CarrierUri uri, DialOptions options) => Check(uri.Scheme, uri.IsSecure, uri.IsWebSocket, options);

    /// <summary>A stream that is there already has no handshake of ours.</summary>
    /// <exception cref="ArgumentException">Names the option.</exception>
    public static void CheckForStream(DialOptions options) => Check("stream", isSecure: false, isWebSocket: false, options);

    private static void Check(string scheme, bool isSecure, bool isWebSocket, DialOptions options)
    {
        if (!isSecure)
        {
            Refuse(options.ClientCertificate is not null, nameof(options.ClientCertificate), $"is for tls and wss, and {scheme} has no TLS");
            Refuse(options.Thumbprint.Count > 0, nameof(options.Thumbprint), $"is for tls and wss, and {scheme} has no TLS");
        }

        if (!isWebSocket)
        {
            var reason = $"is for ws and wss, and the carrier is {scheme}";
            Refuse(options.Proxy is not null, nameof(options.Proxy), reason);
            Refuse(options.ProxyCredential is not null, nameof(options.ProxyCredential), reason);
            Refuse(options.ProxyUseDefaultCredentials, nameof(options.ProxyUseDefaultCredentials), reason);
            Refuse(options.Headers.Count > 0, nameof(options.Headers), reason);
        }

        Refuse(options.ClientCertificate is { HasPrivateKey: false }, nameof(options.ClientCertificate), "has no private key");
        Refuse(options.NoProxy && options.Proxy is not null, nameof(options.NoProxy), "excludes Proxy");
        Refuse(options.ProxyUseDefaultCredentials && options.ProxyCredential is not null, nameof(options.ProxyUseDefaultCredentials), "excludes ProxyCredential");
        if (options.Proxy is { } proxy)
        {
            Refuse(!proxy.IsAbsoluteUri || proxy.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"), nameof(options.Proxy), "is an address such as http://proxy:3128");
            Refuse(proxy.UserInfo.Length > 0, nameof(options.Proxy), "has no user in its address: give ProxyCredential");
        }

        foreach (var (name, value) in options.Headers)
        {
            Refuse(name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)), nameof(options.Headers), $"holds the name '{name}', which no header can have");
            Refuse(Reserved.Contains(name), nameof(options.Headers), $"holds {name}, which the upgrade sets itself");
            Refuse(!value.All(c => c is (>= ' ' and <= '~') or '\t'), nameof(options.Headers), $"holds a value for {name} that is not plain ASCII on one line");
        }
    }

    private static void Refuse(bool condition, string option, string reason)
    {
        if (condition)
        {
            throw new ArgumentException($"{option} {reason}.", option);
        }
    }
}
