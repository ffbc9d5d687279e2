using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Device;

/// <summary>TLS at a device: ended for clients who bring it, begun toward local services that ask for it.</summary>
public sealed class ServiceTls
{
    private readonly SslStreamCertificateContext? _certificate;
    private readonly bool _acceptUntrusted;

    private ServiceTls(SslStreamCertificateContext? certificate, bool acceptUntrusted) => (_certificate, _acceptUntrusted) = (certificate, acceptUntrusted);

    /// <param name="certificate">What clients of TLS are shown, with its private key. Null leaves their TLS to the local service.</param>
    /// <param name="chain">The certificates between it and a root, sent along.</param>
    /// <param name="acceptUntrusted">A local service may show any certificate.</param>
    /// <exception cref="ArgumentException">The certificate has no private key.</exception>
    public ServiceTls(X509Certificate2? certificate = null, X509Certificate2Collection? chain = null, bool acceptUntrusted = false)
    {
        if (certificate is { HasPrivateKey: false })
        {
            throw new ArgumentException("The certificate for clients has no private key.", nameof(certificate));
        }

        // Offline: the chain is what was given, and nothing is fetched from anywhere.
        _certificate = certificate is null ? null : SslStreamCertificateContext.Create(certificate, chain, offline: true);
        _acceptUntrusted = acceptUntrusted;
    }

    /// <summary>The same with another certificate.</summary>
    /// <param name="certificate">What clients of TLS are shown, with its private key. Null leaves their TLS to the local service.</param>
    /// <param name="chain">The certificates between it and a root, sent along.</param>
    /// <exception cref="ArgumentException">The certificate has no private key.</exception>
    public ServiceTls WithCertificate(X509Certificate2? certificate, X509Certificate2Collection? chain) => new(certificate, chain, _acceptUntrusted);

    /// <summary>The same, where local services may show any certificate, or may not.</summary>
    public ServiceTls WithUntrusted(bool acceptUntrusted) => new(_certificate, acceptUntrusted);

    /// <summary>Clients of TLS are answered here.</summary>
    internal bool EndsClientTls => _certificate is not null;

    /// <summary>Shakes hands with a client.</summary>
    /// <exception cref="IOException">It came to nothing.</exception>
    internal async Task<SslStream> AcceptAsync(Stream client, CancellationToken cancellationToken)
    {
        var secure = new SslStream(client, leaveInnerStreamOpen: true);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _certificate,
            EnabledSslProtocols = TlsVersions.Spoken,
            AllowRenegotiation = false,
        };
        try
        {
            return await HandshakeAsync(secure, secure.AuthenticateAsServerAsync(options, cancellationToken)).ConfigureAwait(false);
        }
        catch (AuthenticationException error)
        {
            throw new IOException("The client's TLS handshake failed.", error);
        }
    }

    /// <summary>Shakes hands with a local service.</summary>
    /// <param name="service">Its connection.</param>
    /// <param name="host">The name that its certificate has to have.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="AuthenticationException">It came to nothing, or the service is not to be trusted.</exception>
    internal async Task<SslStream> ConnectAsync(Stream service, string host, CancellationToken cancellationToken)
    {
        string? failure = null;
        var secure = new SslStream(service, leaveInnerStreamOpen: true);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = TlsVersions.Spoken,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowRenegotiation = false,
            RemoteCertificateValidationCallback = (_, _, _, errors) =>
            {
                failure = errors == SslPolicyErrors.None || _acceptUntrusted ? null : $"its certificate is not trusted ({errors})";
                return failure is null;
            },
        };
        try
        {
            return await HandshakeAsync(secure, secure.AuthenticateAsClientAsync(options, cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            throw new AuthenticationException(failure ?? "the TLS handshake with it failed", error);
        }
    }

    private static async Task<SslStream> HandshakeAsync(SslStream stream, Task handshake)
    {
        try
        {
            await handshake.ConfigureAwait(false);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
