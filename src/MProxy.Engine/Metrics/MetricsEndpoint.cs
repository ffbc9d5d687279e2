using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;

namespace MProxy.Engine.Metrics;

/// <summary>
/// Shows the metrics of a relay or tunnel to whoever scrapes them, at <c>/metrics</c> of a loopback address: it asks nobody who he is, so it
/// is open to this machine alone. One request for each connection.
/// </summary>
internal sealed class MetricsEndpoint : IAsyncDisposable
{
    /// <summary>How many scrapers are listened to at once; who comes beyond is reset.</summary>
    public const int MaxScrapers = 32;

    /// <summary>How long a scraper may take for its request and the answer together.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const string Path = "/metrics";

    private static readonly HttpAnswer NotUnderstood = HttpAnswer.BadRequest("This is no HTTP/1.1 request that is understood here.");
    private static readonly HttpAnswer Misdirected = new(421, "Misdirected Request", "Ask for a loopback address or for localhost.\n");

    private readonly Socket _listener;
    private readonly MetricCollector _collector;
    private readonly ResourceLedger _ledger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _tasks;
    private int _scrapers;

    private MetricsEndpoint(IPEndPoint address, KeyValuePair<string, object?> owner, ResourceLedger ledger, TimeProvider time)
    {
        _listener = ledger.Add(TcpSocket.Listen(address));
        _collector = ledger.Add(new MetricCollector(EngineMeter.Meter, owner));
        _ledger = ledger;
        _time = time;
        _tasks = new TaskSet(ledger);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
    }

    /// <summary>The address with the port that is really open.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Opens the address and serves it.</summary>
    /// <param name="address">Loopback; port 0 lets the system choose.</param>
    /// <param name="owner">Whose metrics are shown.</param>
    /// <param name="ledger">Where sockets and loops are noted.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ArgumentException">The address is open to others.</exception>
    /// <exception cref="SocketException">The address or port cannot be had.</exception>
    public static MetricsEndpoint Start(IPEndPoint address, KeyValuePair<string, object?> owner, ResourceLedger ledger, TimeProvider time)
    {
        if (!IPAddress.IsLoopback(SocketEndPoints.Unmapped(address.Address)))
        {
            throw new ArgumentException(
                $"Metrics are shown without asking who comes, so on loopback only, and {address} is open to others: take 127.0.0.1:{address.Port}, and a reverse proxy that asks for a password in front of it.",
                nameof(address));
        }

        var endpoint = new MetricsEndpoint(address, owner, ledger, time);
        endpoint._tasks.Run(() => TcpSocket.AcceptAllAsync(endpoint._listener, endpoint.Accept, time, endpoint._stopping.Token));
        return endpoint;
    }

    /// <summary>Closes the address; whoever is being answered is cut off.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _ledger.Close(_listener);
        await _tasks.WhenEmptyAsync().ConfigureAwait(false);
        _ledger.Close(_collector);
        _stopping.Dispose();
    }

    private void Accept(Socket socket)
    {
        _ledger.Add(socket);
        if (Interlocked.Increment(ref _scrapers) <= MaxScrapers)
        {
            _tasks.Run(() => ServeAsync(socket));
        }
        else
        {
            Interlocked.Decrement(ref _scrapers);
            TcpSocket.ResetOnClose(socket);
            _ledger.Close(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var late = new CancellationTokenSource(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, late.Token);
        var stream = new NetworkStream(socket, ownsSocket: false);
        await using var closing = stream.ConfigureAwait(false);
        try
        {
            if (await ReadAsync(stream, either.Token).ConfigureAwait(false) is var (hasRequest, head) && hasRequest)
            {
                var answer = Answer(head).ToBytes(withBody: head?.Method != "HEAD");
                await stream.WriteAsync(answer, either.Token).ConfigureAwait(false);
                await Farewell.LingerAsync(socket, stream, _ledger, _time, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            TcpSocket.ResetOnClose(socket);
        }
        finally
        {
            Interlocked.Decrement(ref _scrapers);
            _ledger.Close(socket);
        }
    }

    /// <summary>Reads until a request is there, or something that is none.</summary>
    /// <returns>False where the scraper is gone before that; no head where it is none.</returns>
    private async Task<(bool HasRequest, HttpRequestHead? Head)> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var buffer = _ledger.Rent(HttpRequestHead.MaxLength);
        try
        {
            for (int length = 0, count; ; length += count)
            {
                count = await stream.ReadAsync(buffer.AsMemory(length, HttpRequestHead.MaxLength - length), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    return (false, null);
                }

                var data = buffer.AsSpan(0, length + count);
                if (HttpRequestHead.IsDecided(data, length))
                {
                    return (true, HttpRequestHead.Read(data).Head);
                }
            }
        }
        finally
        {
            _ledger.Return(buffer);
        }
    }

    private HttpAnswer Answer(HttpRequestHead? head)
    {
        if (head is null)
        {
            return NotUnderstood;
        }

        if (!IsLoopback(head.Authority))
        {
            return Misdirected;
        }

        if (head.Path != Path)
        {
            return HttpAnswer.NotFound;
        }

        if (head.Method is not ("GET" or "HEAD"))
        {
            return HttpAnswer.MethodNotAllowed;
        }

        var format = PrometheusFormat.Choose(head.Header("Accept"));
        return new HttpAnswer(200, "OK", PrometheusText.Render(_collector.Collect(), format)) { ContentType = format.ContentType };
    }

    /// <summary>
    /// A page in a browser of this machine may have a name that leads here (DNS rebinding), and would be let read the answer. A browser always
    /// says the name; whoever says none is no browser.
    /// </summary>
    private static bool IsLoopback(string? authority)
    {
        if (authority is null)
        {
            return true;
        }

        var host = HttpHostName.TryRead(authority);
        return host is not null
            && (host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(SocketEndPoints.Unmapped(address))));
    }
}
