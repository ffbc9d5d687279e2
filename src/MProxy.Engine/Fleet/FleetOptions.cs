using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Fleet;

/// <summary>How a relay works together with others, as one of a fleet.</summary>
public sealed record FleetOptions
{
    /// <summary>Where the relays of the fleet find each other.</summary>
    public required DirectoryUri Directory { get; init; }

    /// <summary>The relay's name in the fleet, which no other has: 1 to 64 letters, digits and any of -_.</summary>
    public required string NodeName { get; init; }

    /// <summary>Where other relays come in: tls or wss.</summary>
    public required CarrierUri PeerListen { get; init; }

    /// <summary>Where others are to dial for that; null where it is what is listened on.</summary>
    public CarrierUri? PeerAddress { get; init; }

    /// <summary>What this relay shows to others, with its private key. All relays of a fleet may have the same.</summary>
    public required X509Certificate2 PeerCertificate { get; init; }

    /// <summary>The certificates between it and a root, sent along.</summary>
    public X509Certificate2Collection? PeerCertificateChain { get; init; }

    /// <summary>The certificates that other relays may show, as SHA-256 or SHA-1 in hex. Empty: the one that this relay shows, and no other.</summary>
    public IReadOnlyList<string> PeerThumbprint { get; init; } = [];

    /// <summary>How long the relay counts as there when nothing is heard of it.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it is heard of.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long another relay may take to be dialled, and to say whether it takes a client.</summary>
    public TimeSpan HopTimeout { get; init; } = TimeSpan.FromSeconds(3);

    internal IReadOnlyList<string> Thumbprints => PeerThumbprint.Count > 0 ? PeerThumbprint : [PeerCertificate.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256)];
}
