using System.Management.Automation;
using System.Security;
using System.Security.Cryptography.X509Certificates;
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
        CertificateParameters.Load(this, "Certificate", Certificate, CertificatePath, CertificateKeyPath, CertificatePassword);
}
