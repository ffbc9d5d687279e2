using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>The device's side of TLS 1.2 and 1.3.</summary>
internal static class DeviceTls
{
    /// <summary>The same suites as ever of TLS 1.3 and of TLS 1.2 with forward secrecy, of which 128 bits cost the least. Null where the system alone chooses.</summary>
#pragma warning disable CA1416 // On Linux alone there is one.
    private static readonly Lazy<CipherSuitesPolicy?> Fast = new(() => !OperatingSystem.IsLinux() ? null : new CipherSuitesPolicy(
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ]));
#pragma warning restore CA1416

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
#pragma warning disable CA1416 // On Linux alone there is one.
        CipherSuitesPolicy = options.PrefersSpeed ? Fast.Value : null,
#pragma warning restore CA1416
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
