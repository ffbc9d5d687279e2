using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>How a relay listens for devices, besides where.</summary>
public sealed record ListenOptions
{
    /// <summary>The relay's certificate with its private key; tls and wss need one.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The certificates between it and a root, sent along.</summary>
    public X509Certificate2Collection? CertificateChain { get; init; }

    /// <summary>Only devices with a certificate that this machine trusts come in. Where neither this nor <see cref="ClientThumbprint"/> is set, none is asked for.</summary>
    public bool RequireClientCertificate { get; init; }

    /// <summary>
    /// The devices' certificates that are accepted, as SHA-256 or SHA-1 in hex; colons, spaces and case do not matter. Where any is given it
    /// decides alone, and whether the chain is trusted does not count.
    /// </summary>
    public IReadOnlyList<string> ClientThumbprint { get; init; } = [];

    /// <summary>How long a device may take over TLS and upgrade.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Devices are asked for a token once they are connected. The relay says so, which has the keys.</summary>
    internal bool RequiresToken { get; init; }

    /// <summary>Devices are let in by their certificate.</summary>
    internal bool RequiresCertificate => RequireClientCertificate || ClientThumbprint.Count > 0;
}
