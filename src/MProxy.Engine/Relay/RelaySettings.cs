using MProxy.Engine.Carriers;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Relay;

/// <summary>What a relay does now. Whoever keeps this instead of the options sees changes made while the relay runs.</summary>
internal sealed class RelaySettings(RelayOptions options)
{
    private volatile RelayOptions _current = options;
    private volatile IReadOnlySet<string> _revokedInFleet = new HashSet<string>();

    public RelayOptions Current
    {
        get => _current;
        set => _current = value;
    }

    public RelayLimits Limits => _current.Limits;

    /// <summary>The ids of tokens that the whole fleet refuses, beside this relay's own.</summary>
    public IReadOnlySet<string> RevokedInFleet
    {
        get => _revokedInFleet;
        set => _revokedInFleet = value;
    }

    /// <summary>Why a token that was accepted holds no longer; null where it does. When it ends by itself is not looked at.</summary>
    public string? WhyNot(Grant grant)
    {
        var current = _current;
        return !current.Keys.Any(key => key.Fingerprint == grant.SignedBy) ? "The token's signature is by none of this relay's keys any more."
            : current.Audience is { } audience && !grant.Audiences.Contains(audience, StringComparer.Ordinal) ? "The token is for another audience."
            : grant.Id.Length > 0 && (_revokedInFleet.Contains(grant.Id) || current.RevokedTokenIds.Contains(grant.Id, StringComparer.Ordinal)) ? "The token has been revoked."
            : null;
    }

    /// <summary>A device has shown a certificate that lets it in, or needs none. Whether a chain is still trusted is not looked at again.</summary>
    public bool Accepts(Carrier carrier)
    {
        // Without TLS nobody shows any: a listener that asks for one has it, and a stream was handed in by whoever has the relay.
        var rules = _current.Carrier;
        return carrier.TlsProtocol is null
            || (carrier is { PeerThumbprint: { } sha256, PeerSha1: { } sha1 }
                ? rules.ClientThumbprint.Count == 0 || new CertificatePins(rules.ClientThumbprint, nameof(rules)).Contains(sha256, sha1)
                : rules.ClientThumbprint.Count == 0 && !rules.RequireClientCertificate);
    }
}
