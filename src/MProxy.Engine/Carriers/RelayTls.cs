using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MProxy.Engine.Carriers;

/// <summary>The relay's side of TLS 1.2 and 1.3.</summary>
internal sealed class RelayTls
{
    private readonly SslStreamCertificateContext _certificate;
    private readonly CertificatePins _pins;
    private readonly bool _asksForCertificate;
    private readonly List<SslApplicationProtocol>? _protocols;

    /// <exception cref="ArgumentException">There is no certificate, or it has no private key.</exception>
    public RelayTls(CarrierUri uri, ListenOptions options)
    {
        if (options.Certificate is not { HasPrivateKey: true } certificate)
        {
            throw new ArgumentException($"{uri.Scheme} needs a certificate with its private key.", nameof(options));
        }

        // Offline: the chain is what was given, and nothing is fetched from anywhere.
        _certificate = SslStreamCertificateContext.Create(certificate, options.CertificateChain, offline: true);
        _pins = new CertificatePins(options.ClientThumbprint, nameof(options));
        _asksForCertificate = options.RequiresCertificate;
        _protocols = uri.IsWebSocket ? [SslApplicationProtocol.Http11] : null;
    }

    /// <summary>Shakes hands, and tells what the device has shown where it had to show a certificate.</summary>
    public async Task<CertificateCheck> AuthenticateAsync(SslStream stream, CancellationToken cancellationToken)
    {
        var check = new CertificateCheck(_pins, acceptUntrusted: false);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _certificate,
            EnabledSslProtocols = TlsVersions.Spoken,
            ClientCertificateRequired = _asksForCertificate,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            ApplicationProtocols = _protocols,
            AllowRenegotiation = false,

            // A session that is taken up again shows what it showed before: no certificate, where none was asked for then.
            AllowTlsResume = !_asksForCertificate,
            RemoteCertificateValidationCallback = (_, shown, chain, errors) => !_asksForCertificate || check.Accept(shown, chain, errors),
        };
        await stream.AuthenticateAsServerAsync(options, cancellationToken).ConfigureAwait(false);
        return check;
    }
}
