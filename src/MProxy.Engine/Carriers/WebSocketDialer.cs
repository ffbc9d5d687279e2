using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace MProxy.Engine.Carriers;

/// <summary>Dials one relay by ws or wss, past or through proxies. The handler asks it for sockets, so that the stream below TLS is known.</summary>
internal sealed class WebSocketDialer(CarrierUri uri, DialOptions options, CertificateCheck check, CarrierParts parts, TimeProvider time)
{
    private readonly List<(Socket Socket, ActivityStream Activity)> _connections = [];
    private SslStream? _secure;
    private string? _proxyHost;

    private ICredentials? ProxyCredentials => options.ProxyUseDefaultCredentials ? CredentialCache.DefaultCredentials : options.ProxyCredential;

    private bool HasConnected
    {
        get
        {
            lock (_connections)
            {
                return _connections.Count > 0;
            }
        }
    }

    /// <summary>Connects and upgrades. On failure the parts are the caller's to close.</summary>
    public async Task<Carrier> DialAsync(CancellationToken cancellationToken)
    {
        var webSocket = new ClientWebSocket();
        webSocket.Options.HttpVersion = HttpVersion.Version11;
        webSocket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        webSocket.Options.KeepAliveInterval = TimeSpan.Zero;
        webSocket.Options.CollectHttpResponseDetails = true;
        foreach (var (name, value) in options.Headers)
        {
            webSocket.Options.SetRequestHeader(name, value);
        }

        using (var invoker = new HttpMessageInvoker(CreateHandler(cancellationToken)))
        {
            try
            {
                await webSocket.ConnectAsync(uri.ToUri(), invoker, cancellationToken).ConfigureAwait(false);
            }
            catch (WebSocketException error)
            {
                var status = webSocket.HttpStatusCode;
                webSocket.Dispose();
                throw Explain(error, status);
            }
            catch
            {
                webSocket.Dispose();
                throw;
            }
        }

        return Finish(webSocket);
    }

    private Carrier Finish(ClientWebSocket webSocket)
    {
        (Socket Socket, ActivityStream Activity) used;
        lock (_connections)
        {
            // Those before it only brought a proxy's demand for credentials.
            used = _connections[^1];
            foreach (var (socket, activity) in _connections.SkipLast(1))
            {
                parts.Close(activity);
                parts.Close(socket);
            }
        }

        return new Carrier(uri.Scheme, parts.Add(new WebSocketStream(parts.Add(webSocket))), used.Activity, parts)
        {
            LocalEndPoint = SocketEndPoints.Local(used.Socket),
            RemoteEndPoint = SocketEndPoints.Remote(used.Socket),
            TlsProtocol = _secure?.SslProtocol.ToString(),
            PeerThumbprint = check.Thumbprint,
        };
    }

    private SocketsHttpHandler CreateHandler(CancellationToken cancellationToken) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        UseProxy = !options.NoProxy,
        Proxy = options.Proxy is null ? null : new WebProxy(options.Proxy) { Credentials = ProxyCredentials },
        DefaultProxyCredentials = ProxyCredentials,
        SslOptions = DeviceTls.Options(uri, options, check, IsProxy, stream => _secure = stream),
        ConnectCallback = async (context, handlerToken) =>
        {
            // The handler goes on connecting for a while after its caller has gone.
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, handlerToken);
            return await ConnectAsync(context.DnsEndPoint, either.Token).ConfigureAwait(false);
        },
    };

    private async Task<Stream> ConnectAsync(DnsEndPoint target, CancellationToken cancellationToken)
    {
        var host = target.Host.Trim('[', ']').Replace("%25", "%", StringComparison.Ordinal);
        var isRelay = target.Port == uri.Port && host.Equals(uri.Host, StringComparison.OrdinalIgnoreCase);
        _proxyHost = isRelay ? null : host;
        if (isRelay && HasConnected)
        {
            // The handler would try three times more; a relay that has too many guests must not get four times as many.
            throw DialFailure.NoAnswer(uri);
        }

        try
        {
            var socket = parts.Add(await TcpSocket.ConnectAsync(isRelay && options.Address is { } address ? $"{address}" : host, target.Port, cancellationToken).ConfigureAwait(false));
            var activity = parts.Add(ActivityStream.Over(socket, time));
            lock (_connections)
            {
                _connections.Add((socket, activity));
            }

            return activity;
        }
        catch (SocketException error)
        {
            throw DialFailure.Connect(isRelay ? DialFailure.Relay(uri, options.Address) : $"the proxy at {target.Host}:{target.Port}", error);
        }
    }

    // On a doubt it is the relay: then the pins count.
    private bool IsProxy(string target) =>
        target.Equals(_proxyHost, StringComparison.OrdinalIgnoreCase) && !target.Equals(uri.Host, StringComparison.OrdinalIgnoreCase);

    private Exception Explain(WebSocketException error, HttpStatusCode status)
    {
        if (error.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } proxy)
        {
            return DialFailure.Proxy(uri, options.Proxy is null ? "The system's proxy" : $"The proxy at {options.Proxy.Host}:{options.Proxy.Port}", proxy.StatusCode, error);
        }

        return status != 0 ? DialFailure.Status(uri, status, error) : DialFailure.Of(uri, check, new IOException(error.InnerException?.Message ?? error.Message, error));
    }
}
