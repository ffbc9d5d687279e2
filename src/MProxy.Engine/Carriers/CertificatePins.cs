using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>Certificates known by their hash.</summary>
internal sealed class CertificatePins
{
    private readonly HashSet<string> _pins = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">One is neither SHA-256 nor SHA-1 in hex.</exception>
    public CertificatePins(IEnumerable<string> thumbprints, string parameter)
    {
        foreach (var thumbprint in thumbprints)
        {
            var hex = new string(thumbprint.Where(c => c is not (':' or ' ')).ToArray()).ToUpperInvariant();
            _pins.Add(hex.Length is 64 or 40 && hex.All(char.IsAsciiHexDigit)
                ? hex
                : throw new ArgumentException($"'{thumbprint}' is no thumbprint: SHA-256 has 64 hex digits, SHA-1 has 40.", parameter));
        }
    }

    public bool IsEmpty => _pins.Count == 0;

    /// <summary>SHA-256 of a certificate, 64 upper-case hex digits.</summary>
    public static string Sha256(X509Certificate certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>SHA-1 of a certificate, 40 upper-case hex digits.</summary>
    public static string Sha1(X509Certificate certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA1);

    public bool Contains(X509Certificate certificate) => Contains(Sha256(certificate), Sha1(certificate));

    public bool Contains(string sha256, string sha1) => _pins.Contains(sha256) || _pins.Contains(sha1);
}
