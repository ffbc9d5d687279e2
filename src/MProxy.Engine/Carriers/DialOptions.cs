using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>How a device dials a relay, besides where.</summary>
public sealed record DialOptions
{
    /// <summary>Shown to a relay that asks for one, with its private key; tls and wss only.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>
    /// The relay's certificates that are accepted, as SHA-256 or SHA-1 in hex; colons, spaces and case do not matter. Where any is given it
    /// decides alone, and whether the chain is trusted does not count. tls and wss only.
    /// </summary>
    public IReadOnlyList<string> Thumbprint { get; init; } = [];

    /// <summary>Between relays, which move the most: of equally good ciphers the cheapest is offered first.</summary>
    internal bool PrefersSpeed { get; init; }

    /// <summary>Which address of the relay's name to connect to, past any proxy; null looks it up.</summary>
    internal IPAddress? Address { get; init; }

    /// <summary>Takes any certificate: anyone on the way can read and change everything. Does not weaken <see cref="Thumbprint"/>.</summary>
    public bool SkipCertificateCheck { get; init; }

    /// <summary>The proxy for ws and wss: an http, https, socks4, socks4a or socks5 address without a user. Null: the system's, from its settings or environment.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Who to be at the proxy.</summary>
    public NetworkCredential? ProxyCredential { get; init; }

    /// <summary>Be who runs this process at the proxy.</summary>
    public bool ProxyUseDefaultCredentials { get; init; }

    /// <summary>Go past the system's proxy too.</summary>
    public bool NoProxy { get; init; }

    /// <summary>More headers of the upgrade request of ws and wss. Their values are secrets.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}
