using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>Judges the certificate of one peer, and remembers who it was and what was wrong.</summary>
internal sealed class CertificateCheck(CertificatePins pins, bool acceptUntrusted)
{
    /// <summary>SHA-256 of what the peer showed; null where it showed none, or none yet.</summary>
    public string? Thumbprint { get; private set; }

    /// <summary>SHA-1 of the same.</summary>
    public string? Sha1 { get; private set; }

    /// <summary>Why it was refused, as the end of a sentence; null where it was not.</summary>
    public string? Failure { get; private set; }

    public bool Accept(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        Thumbprint = certificate is null ? null : CertificatePins.Sha256(certificate);
        Sha1 = certificate is null ? null : CertificatePins.Sha1(certificate);
        Failure = certificate is null ? "it shows no certificate"
            : !pins.IsEmpty ? (pins.Contains(certificate) ? null : $"its certificate is another than the pinned one; the SHA-256 thumbprint is {Thumbprint}")
            : errors == SslPolicyErrors.None || acceptUntrusted ? null
            : $"its certificate is not trusted ({Describe(chain, errors)}). Its SHA-256 thumbprint is {Thumbprint}: where that is right, pin it";
        return Failure is null;
    }

    private static string Describe(X509Chain? chain, SslPolicyErrors errors)
    {
        var status = chain?.ChainStatus.Select(one => one.Status).Where(one => one != X509ChainStatusFlags.NoError).Distinct().ToArray() ?? [];
        return status.Length > 0 ? $"{errors}: {string.Join(", ", status)}" : $"{errors}";
    }
}
