using System.Management.Automation;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;

namespace MProxy.Internal;

/// <summary>A certificate that was given as an object, or by the files that it is in.</summary>
internal static class CertificateParameters
{
    /// <summary>Takes a certificate as it is, or from its file.</summary>
    /// <param name="cmdlet">Who asks: it ends with an error where there is none to be had.</param>
    /// <param name="parameter">What the parameters' names start with.</param>
    /// <param name="certificate">The certificate, or null.</param>
    /// <param name="path">Its file, or null.</param>
    /// <param name="keyPath">The file of its key, or null.</param>
    /// <param name="password">What the file or key is encrypted with, or null.</param>
    public static (X509Certificate2? Certificate, X509Certificate2Collection? Chain) Load(
        PSCmdlet cmdlet, string parameter, X509Certificate2? certificate, string? path, string? keyPath, SecureString? password)
    {
        if (path is null ? keyPath is not null || password is not null : certificate is not null)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.InvalidOption(
                new ArgumentException($"-{parameter}KeyPath and -{parameter}Password go with -{parameter}Path, and that not with -{parameter}."), path));
        }

        if (path is null)
        {
            return (certificate, null);
        }

        try
        {
            return CertificateLoader.Load(
                cmdlet.GetUnresolvedProviderPathFromPSPath(path),
                keyPath is null ? null : cmdlet.GetUnresolvedProviderPathFromPSPath(keyPath),
                password is null ? null : Secret.Reveal(password));
        }
        catch (Exception error) when (error is CertificateException or IOException or UnauthorizedAccessException)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.InvalidCertificate(error, path));
            throw;
        }
    }
}
