using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>
/// Where a relay listens and a device dials: <c>tcp://host:port</c>, <c>tls://host:port</c>, <c>ws://host:port/path?query</c>,
/// <c>wss://host:port/path?query</c> or <c>unix:///run/mproxy.sock</c>. Two are equal when they lead to the same place with the same query;
/// the value of <c>access_token</c> in a query is a secret, which only <see cref="ToUri"/> gives.
/// </summary>
public sealed record CarrierUri
{
    private readonly string _pathAndQuery;

    internal CarrierUri(string scheme, string host, int port, string pathAndQuery, string? socketPath)
    {
        Scheme = scheme;
        Host = host;
        Port = port;
        SocketPath = socketPath;
        _pathAndQuery = pathAndQuery;
    }

    /// <summary>What the link runs over: <c>tcp</c>, <c>tls</c>, <c>ws</c>, <c>wss</c> or <c>unix</c>.</summary>
    public string Scheme { get; }

    /// <summary>Host name or address, without brackets; empty for unix.</summary>
    public string Host { get; }

    /// <summary>TCP port, 0 to 65535; 0 lets the system choose where a relay listens, and is what unix has.</summary>
    public int Port { get; init; }

    /// <summary>From the slash on for ws and wss, with <c>***</c> for the value of <c>access_token</c>; empty for the others.</summary>
    public string PathAndQuery => QueryToken.Redact(_pathAndQuery);

    /// <summary>The socket file of unix, an absolute path; null for the others.</summary>
    public string? SocketPath { get; }

    /// <summary>TLS protects it: tls and wss.</summary>
    public bool IsSecure => Scheme is "tls" or "wss";

    /// <summary>It is a WebSocket: ws and wss.</summary>
    public bool IsWebSocket => Scheme is "ws" or "wss";

    /// <summary>Nobody beyond this machine reaches it: loopback addresses, localhost and unix.</summary>
    public bool IsLocalOnly =>
        SocketPath is not null || Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));


    /// <summary>A token stands in the query.</summary>
    public bool HasToken => PathAndQuery != _pathAndQuery;

    /// <summary>It has a <c>?</c>.</summary>
    internal bool HasQuery => _pathAndQuery.Contains('?', StringComparison.Ordinal);

    /// <summary>Host and port as people write them, or the socket file; never a query.</summary>
    internal string Place => SocketPath ?? string.Create(CultureInfo.InvariantCulture, $"{BracketedHost}:{Port}");

    private string BracketedHost => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host.Replace("%", "%25", StringComparison.Ordinal)}]" : Host;

    private bool HasDefaultPort => (Scheme, Port) is ("ws", 80) or ("wss", 443);

    /// <summary>Reads the text of one, at most 2,048 characters.</summary>
    /// <exception cref="FormatException">Says what is wrong with it, without its query or user.</exception>
    public static CarrierUri Parse(string text) => CarrierUriReader.Read(text);

    /// <summary>The address of ws and wss with the real query.</summary>
    /// <exception cref="InvalidOperationException">It is neither.</exception>
    public Uri ToUri() => IsWebSocket
        ? new Uri(Write(_pathAndQuery))
        : throw new InvalidOperationException($"Only ws and wss have a web address; {this} has none.");

    /// <summary>What a relay binds for this: an <see cref="IPEndPoint"/> or <see cref="UnixDomainSocketEndPoint"/>. localhost is 127.0.0.1.</summary>
    /// <exception cref="FormatException">The host is no address and not localhost.</exception>
    public EndPoint ToEndPoint()
    {
        if (SocketPath is not null)
        {
            return new UnixDomainSocketEndPoint(SocketPath);
        }

        return IPAddress.TryParse(Host == "localhost" ? "127.0.0.1" : Host, out var address)
            ? new IPEndPoint(address, Port)
            : throw new FormatException($"A relay listens on an IP address, and '{Host}' is none: write for example {Scheme}://127.0.0.1:{Port}.");
    }

    /// <summary>The text of it, with <c>***</c> for the value of <c>access_token</c>.</summary>
    public override string ToString() => Write(PathAndQuery);

    private string Write(string pathAndQuery) =>
        SocketPath is not null ? $"unix://{(SocketPath.StartsWith('/') ? "" : "/")}{SocketPath}"
        : HasDefaultPort ? $"{Scheme}://{BracketedHost}{pathAndQuery}"
        : $"{Scheme}://{Place}{pathAndQuery}";
}
