using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>Brings a private key of a PEM file to its certificate.</summary>
internal static class PemKey
{
    private const string EncryptedLabel = "ENCRYPTED PRIVATE KEY";

    /// <summary>Replaces the certificate that the key belongs to by one that has it. Null where the file holds no key.</summary>
    /// <exception cref="CertificateException">The key cannot be opened, or belongs to none of them.</exception>
    public static X509Certificate2? Join(X509Certificate2Collection certificates, string keyPath, byte[] content, string? password)
    {
        var (label, key) = PemFile.Blocks(content).FirstOrDefault(block => block.Label.EndsWith("PRIVATE KEY", StringComparison.Ordinal));
        if (key is null)
        {
            return null;
        }

        var isEncrypted = label == EncryptedLabel;
        if (key.Contains("Proc-Type:", StringComparison.Ordinal))
        {
            throw new CertificateException($"The private key in '{keyPath}' is encrypted in an old way: convert it with 'openssl pkcs8 -topk8'.");
        }

        if (isEncrypted && password is null)
        {
            throw new CertificateException($"The private key in '{keyPath}' is encrypted: give its password.");
        }

        Exception? failure = null;
        foreach (var certificate in certificates)
        {
            try
            {
                var own = Join(certificate, key, isEncrypted ? password : null);
                certificates.Remove(certificate);
                certificate.Dispose();
                return own;
            }
            catch (Exception error) when (error is CryptographicException or ArgumentException)
            {
                failure = error;
            }
        }

        throw new CertificateException(
            isEncrypted && failure is CryptographicException { InnerException: not ArgumentException }
                ? $"The private key in '{keyPath}' cannot be opened: the password is wrong, or the key belongs to another certificate."
                : $"The private key in '{keyPath}' belongs to no certificate of the file, or is damaged.",
            failure);
    }

    private static X509Certificate2 Join(X509Certificate2 certificate, string key, string? password)
    {
        var pem = certificate.ExportCertificatePem();
        var joined = password is null ? X509Certificate2.CreateFromPem(pem, key) : X509Certificate2.CreateFromEncryptedPem(pem, key, password);
        if (!OperatingSystem.IsWindows())
        {
            return joined;
        }

        // SslStream on Windows takes keys of a store only, and this one is not in any: a PFX brings it there.
        using (joined)
        {
            return new X509Certificate2(joined.Export(X509ContentType.Pfx));
        }
    }
}
