using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>Reads a certificate, its private key and its chain from files.</summary>
public static class CertificateLoader
{
    /// <summary>
    /// Reads a PFX, or a PEM file whose key is inside or in a file of its own; what a file is, its content says. The caller disposes of the results.
    /// </summary>
    /// <param name="path">The certificate: PFX or PEM.</param>
    /// <param name="keyPath">The private key as PEM; null where it is with the certificate.</param>
    /// <param name="password">Of the PFX or the encrypted key; null without one.</param>
    /// <returns>The certificate with its private key, and the other certificates of the file in their order.</returns>
    /// <exception cref="CertificateException">A file cannot be read, is no certificate, lacks the key, or has another password.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Chain) Load(string path, string? keyPath, string? password)
    {
        var content = Read(path);
        var isPem = PemFile.IsPem(content);
        var certificates = isPem ? PemFile.ReadCertificates(path, content) : ReadBinary(path, content, password);
        X509Certificate2? own = null;
        try
        {
            own = keyPath is null && !isPem
                ? certificates.FirstOrDefault(certificate => certificate.HasPrivateKey)
                : PemKey.Join(certificates, keyPath ?? path, keyPath is null ? content : Read(keyPath), password);
            if (own is null)
            {
                throw new CertificateException($"'{path}' holds no private key: give the file that does, or a PFX with it.");
            }

            if (certificates.Contains(own))
            {
                certificates.Remove(own);
            }

            return (own, certificates);
        }
        catch
        {
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }

            throw;
        }
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CertificateException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    private static X509Certificate2Collection ReadBinary(string path, byte[] content, string? password)
    {
        X509ContentType type;
        try
        {
            type = X509Certificate2.GetCertContentType(content);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new CertificateException($"'{path}' is no certificate: neither PEM nor PFX.", error);
        }

        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.Import(content, password, X509KeyStorageFlags.DefaultKeySet);
        }
        catch (CryptographicException error)
        {
            throw new CertificateException(
                type == X509ContentType.Pfx
                    ? $"'{path}' cannot be opened: {(password is null ? "it may need a password" : "the password is wrong")}, or it is damaged."
                    : $"'{path}' is no certificate that can be used.",
                error);
        }

        return certificates;
    }
}
