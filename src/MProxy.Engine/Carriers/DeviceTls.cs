using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>The device's side of TLS 1.2 and 1.3.</summary>
internal static class DeviceTls
{
    /// <summary>How to shake hands with a relay, and with a proxy on the way that speaks TLS itself: that one must be trusted by this machine, and is shown no certificate.</summary>
    /// <param name="uri">The relay.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="check">Judges the relay.</param>
    /// <param name="isProxy">The name that is shaken hands with is a proxy's.</param>
    /// <param name="shaking">Told the stream of the relay.</param>
    public static SslClientAuthenticationOptions Options(
        CarrierUri uri, DialOptions options, CertificateCheck check, Func<string, bool>? isProxy = null, Action<SslStream>? shaking = null) => new()
    {
        TargetHost = uri.Host,
        EnabledSslProtocols = TlsVersions.Spoken,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        AllowRenegotiation = false,
        LocalCertificateSelectionCallback = options.ClientCertificate is { } own
            ? (_, target, _, _, _) => isProxy?.Invoke(target) == true ? null! : own
            : null,
        RemoteCertificateValidationCallback = (sender, shown, chain, errors) =>
        {
            var stream = (SslStream)sender;
            if (isProxy?.Invoke(stream.TargetHostName) == true)
            {
                return errors == SslPolicyErrors.None;
            }

            shaking?.Invoke(stream);
            return check.Accept(shown, chain, errors);
        },
    };
}
