using System.Net.Sockets;
using System.Net.WebSockets;
using MProxy.Engine.Http;

namespace MProxy.Engine.Carriers;

/// <summary>Makes carriers of the sockets that one listener accepts.</summary>
internal sealed class CarrierHandshake(CarrierUri uri, ListenOptions options, RelayTls? tls, ResourceLedger ledger, TimeProvider time)
{
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Makes one for an address.</summary>
    /// <exception cref="ArgumentException">An option is missing, malformed, or does not fit the scheme.</exception>
    public static CarrierHandshake Prepare(CarrierUri uri, ListenOptions options, ResourceLedger ledger, TimeProvider time)
    {
        return uri.IsSecure || !options.RequiresCertificate
            ? new CarrierHandshake(uri, options, uri.IsSecure ? new RelayTls(uri, options) : null, ledger, time)
            : throw new ArgumentException($"Only tls and wss can ask devices for a certificate, and {uri} would let in those without.", nameof(options));
    }

    /// <summary>tcp and unix have none.</summary>
    public bool IsNeeded => uri.IsSecure || uri.IsWebSocket;

    /// <summary>Takes an accepted socket; null where its handshake came to nothing, and then it is closed. Never throws.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="place">Its place among those who have shown nothing yet: left when it came to nothing, else the carrier's.</param>
    /// <param name="refused">Told why it came to nothing, unless the listening is over: one of <see cref="CarrierRefusal"/>.</param>
    /// <param name="cancellationToken">The listening is over.</param>
    public async Task<Carrier?> RunAsync(Socket socket, WaitingRoom.Place place, Action<string> refused, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.HandshakeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var parts = new CarrierParts(ledger);
        try
        {
            if (await HandshakeAsync(parts.Add(socket), place, parts, either.Token).ConfigureAwait(false) is { } carrier)
            {
                return carrier;
            }
        }
#pragma warning disable CA1031 // Whatever a stranger's bytes do to TLS or a socket, they disturb nobody else.
        catch (Exception)
#pragma warning restore CA1031
        {
        }

        parts.Close();
        place.Dispose();
        if (!cancellationToken.IsCancellationRequested)
        {
            refused(place.IsGivenUp ? CarrierRefusal.TooMany : timeout.IsCancellationRequested ? CarrierRefusal.Late : CarrierRefusal.Failed);
        }

        return null;
    }

    /// <summary>Takes an accepted socket of a scheme that needs no handshake; null where it is gone, and then it is closed.</summary>
    public Carrier? TryAccept(Socket socket, WaitingRoom.Place place)
    {
        var parts = new CarrierParts(ledger);
        parts.Add(socket);
        try
        {
            var activity = Wrap(socket, parts);
            return new Carrier(uri.Scheme, activity, activity, parts) { Place = place, LocalEndPoint = SocketEndPoints.Local(socket), RemoteEndPoint = SocketEndPoints.Remote(socket) };
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            parts.Close();
            place.Dispose();
            return null;
        }
    }

    private ActivityStream Wrap(Socket socket, CarrierParts parts) => parts.Add(ActivityStream.Over(socket, time));

    private async Task<Carrier?> HandshakeAsync(Socket socket, WaitingRoom.Place place, CarrierParts parts, CancellationToken cancellationToken)
    {
        var activity = Wrap(socket, parts);
        Stream stream = activity;
        string? protocol = null;
        CertificateCheck? shown = null;
        if (tls is not null)
        {
            var secure = parts.Add(new TlsStream(activity, ledger));
            shown = await tls.AuthenticateAsync(secure.Secure, cancellationToken).ConfigureAwait(false);
            protocol = secure.Secure.SslProtocol.ToString();
            stream = secure;
        }

        var upgrade = uri.IsWebSocket ? await UpgradeAsync(stream, cancellationToken).ConfigureAwait(false) : null;
        if (uri.IsWebSocket)
        {
            if (upgrade is null)
            {
                await LingerAsync(socket, stream, activity, cancellationToken).ConfigureAwait(false);
                return null;
            }

            var webSocket = parts.Add(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero }));
            stream = parts.Add(new WebSocketStream(webSocket));
        }

        return new Carrier(uri.Scheme, stream, activity, parts)
        {
            Place = place,
            LocalEndPoint = SocketEndPoints.Local(socket),
            RemoteEndPoint = SocketEndPoints.Remote(socket),
            TlsProtocol = protocol,
            PeerThumbprint = shown?.Thumbprint,
            PeerSha1 = shown?.Sha1,
            Token = upgrade?.Token,
            Path = upgrade?.Path,
        };
    }

    /// <summary>Reads the request and answers it; null where it became no WebSocket.</summary>
    private async Task<WebSocketUpgrade?> UpgradeAsync(Stream stream, CancellationToken cancellationToken)
    {
        var (status, head, hasMore) = await ReadHeadAsync(stream, cancellationToken).ConfigureAwait(false);
        if (status == HttpHeadStatus.Incomplete)
        {
            // Gone in the middle of it.
            return null;
        }

        var (upgrade, answer) = head is null
            ? (null, HttpAnswer.NotUnderstood)
            : WebSocketUpgrade.Decide(head, hasMore, uri.PathAndQuery, acceptPages: options.RequiresToken || options.RequiresCertificate);
        await stream.WriteAsync(upgrade?.Response ?? answer!.ToBytes(withBody: head?.Method != "HEAD"), cancellationToken).ConfigureAwait(false);
        return upgrade;
    }

    private async Task<(HttpHeadStatus Status, HttpRequestHead? Head, bool HasMore)> ReadHeadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = ledger.Rent(HttpRequestHead.MaxLength);
        try
        {
            for (int length = 0, count; ; length += count)
            {
                count = await stream.ReadAsync(buffer.AsMemory(length, HttpRequestHead.MaxLength - length), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    return (HttpHeadStatus.Incomplete, null, false);
                }

                var data = buffer.AsSpan(0, length + count);
                if (HttpRequestHead.IsDecided(data, length))
                {
                    var (status, head) = HttpRequestHead.Read(data);
                    return (status, head, head?.Length < data.Length);
                }
            }
        }
        finally
        {
            ledger.Return(buffer);
        }
    }

    private async Task LingerAsync(Socket socket, Stream stream, ActivityStream activity, CancellationToken cancellationToken)
    {
        if (stream is TlsStream { Secure: var secure })
        {
            using var timeout = new CancellationTokenSource(GoodbyeTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            await secure.ShutdownAsync().WaitAsync(either.Token).ConfigureAwait(false);
        }

        await Farewell.LingerAsync(socket, activity, ledger, time, cancellationToken).ConfigureAwait(false);
    }
}
