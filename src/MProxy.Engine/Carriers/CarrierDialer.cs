using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MProxy.Engine.Carriers;

/// <summary>Dials relays.</summary>
internal static class CarrierDialer
{
    /// <summary>Connects, with all handshakes done. What it opens is in the ledger until the carrier is disposed of; when it fails, nothing is.</summary>
    /// <exception cref="CarrierException">It failed; says at what stage.</exception>
    /// <exception cref="ArgumentException">An option does not fit the scheme, or is malformed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<Carrier> DialAsync(CarrierUri uri, DialOptions options, ResourceLedger ledger, TimeProvider time, CancellationToken cancellationToken)
    {
        DialOptionsCheck.Check(uri, options);
        var check = new CertificateCheck(new CertificatePins(options.Thumbprint, nameof(options)), options.SkipCertificateCheck);
        var parts = new CarrierParts(ledger);
        try
        {
            return uri.IsWebSocket
                ? await new WebSocketDialer(uri, options, check, parts, time).DialAsync(cancellationToken).ConfigureAwait(false)
                : await DialStreamAsync(uri, options, check, parts, ledger, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            var stage = parts.IsEmpty ? CarrierStage.Connect : uri.IsWebSocket ? CarrierStage.Upgrade : CarrierStage.Tls;
            parts.Close();
            if (cancellationToken.IsCancellationRequested)
            {
                throw new DialCanceledException(stage, cancellationToken);
            }

            if (error is CarrierException or OperationCanceledException)
            {
                throw;
            }

            throw DialFailure.Of(uri, check, error);
        }
    }

    private static async Task<Carrier> DialStreamAsync(
        CarrierUri uri, DialOptions options, CertificateCheck check, CarrierParts parts, ResourceLedger ledger, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = parts.Add(await ConnectAsync(uri, options.Address, cancellationToken).ConfigureAwait(false));
        var activity = parts.Add(ActivityStream.Over(socket, time));
        var secure = uri.IsSecure ? parts.Add(new TlsStream(activity, ledger)) : null;
        if (secure is not null)
        {
            await secure.Secure.AuthenticateAsClientAsync(DeviceTls.Options(uri, options, check), cancellationToken).ConfigureAwait(false);
        }

        return new Carrier(uri.Scheme, secure ?? (Stream)activity, activity, parts)
        {
            LocalEndPoint = SocketEndPoints.Local(socket),
            RemoteEndPoint = SocketEndPoints.Remote(socket),
            TlsProtocol = secure?.Secure.SslProtocol.ToString(),
            PeerThumbprint = check.Thumbprint,
        };
    }

    private static async Task<Socket> ConnectAsync(CarrierUri uri, IPAddress? address, CancellationToken cancellationToken)
    {
        try
        {
            return uri.SocketPath is { } path
                ? await UnixSocket.ConnectAsync(path, cancellationToken).ConfigureAwait(false)
                : await TcpSocket.ConnectAsync(address?.ToString() ?? uri.Host, uri.Port, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            throw DialFailure.Connect(DialFailure.Relay(uri, address), error, isFile: uri.SocketPath is not null);
        }
    }
}
