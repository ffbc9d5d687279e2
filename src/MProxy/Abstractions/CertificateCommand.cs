using System.Management.Automation;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>A cmdlet that may show a certificate of its own: as an object, or from a PFX or PEM file.</summary>
public abstract class CertificateCommand : AsyncCommand
{
    /// <summary>The certificate to show to the other side, with its private key.</summary>
    [Parameter]
    [ValidateNotNull]
    public X509Certificate2? Certificate { get; set; }

    /// <summary>A file with that certificate: PFX, or PEM with the chain behind it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>A PEM file with the private key, where it is not in -CertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificateKeyPath { get; set; }

    /// <summary>What the file or key is encrypted with.</summary>
    [Parameter]
    [ValidateNotNull]
    public SecureString? CertificatePassword { get; set; }

    /// <summary>The certificate with the chain that is sent behind it; null where none was given.</summary>
    private protected (X509Certificate2? Certificate, X509Certificate2Collection? Chain) LoadCertificate() =>
        LoadCertificate("Certificate", Certificate, CertificatePath, CertificateKeyPath, CertificatePassword);

    /// <summary>Takes a certificate as it is, or from its file.</summary>
    /// <param name="parameter">What the parameters' names start with.</param>
    /// <param name="certificate">The certificate, or null.</param>
    /// <param name="path">Its file, or null.</param>
    /// <param name="keyPath">The file of its key, or null.</param>
    /// <param name="password">What the file or key is encrypted with, or null.</param>
    private protected (X509Certificate2? Certificate, X509Certificate2Collection? Chain) LoadCertificate(
        string parameter, X509Certificate2? certificate, string? path, string? keyPath, SecureString? password)
    {
        if (path is null ? keyPath is not null || password is not null : certificate is not null)
        {
            ThrowTerminatingError(ErrorRecords.InvalidOption(
                new ArgumentException($"-{parameter}KeyPath and -{parameter}Password go with -{parameter}Path, and that not with -{parameter}."), path));
        }

        if (path is null)
        {
            return (certificate, null);
        }

        try
        {
            return CertificateLoader.Load(
                GetUnresolvedProviderPathFromPSPath(path),
                keyPath is null ? null : GetUnresolvedProviderPathFromPSPath(keyPath),
                password is null ? null : Secret.Reveal(password));
        }
        catch (Exception error) when (error is CertificateException or IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorRecords.InvalidCertificate(error, path));
            throw;
        }
    }
}
