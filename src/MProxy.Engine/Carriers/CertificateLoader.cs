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
        throw new NotImplementedException();
    }
}
