using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>Certificates made on the spot.</summary>
internal static class TestCertificate
{
    private static readonly Lazy<X509Certificate2> SharedRelay = new(() => SelfSigned("relay"));

    /// <summary>Self-signed, for localhost and its addresses.</summary>
    public static X509Certificate2 Relay => SharedRelay.Value;

    public static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return Reload(certificate);
    }

    /// <summary>A leaf, the authority between, and the root, of which the leaf alone has its key.</summary>
    public static (X509Certificate2 Leaf, X509Certificate2 Intermediate, X509Certificate2 Root) Chain()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Request("root", rootKey, isAuthority: true).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var intermediate = Issue(Request("intermediate", intermediateKey, isAuthority: true), root).CopyWithPrivateKey(intermediateKey);
        using var leaf = Issue(Request("leaf", leafKey), intermediate).CopyWithPrivateKey(leafKey);
        return (Reload(leaf), Public(intermediate), Public(root));
    }

    private static X509Certificate2 Issue(CertificateRequest request, X509Certificate2 issuer) =>
        request.Create(issuer, DateTimeOffset.UtcNow.AddDays(-1), issuer.NotAfter, RandomNumberGenerator.GetBytes(8));

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority = false)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            names.AddIpAddress(IPAddress.IPv6Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        return request;
    }

    private static X509Certificate2 Reload(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);

    private static X509Certificate2 Public(X509Certificate2 certificate) => X509CertificateLoader.LoadCertificate(certificate.RawData);
}
