using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>The device's side: keeps a link to a relay, and dials a local service for each client that comes over it.</summary>
public sealed class Tunnel : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(0.5);

    private readonly TunnelOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ResourceLedger _ledger = new();
    private readonly TaskSet _tasks;
    private readonly object _gate = new();
    private LinkConnection? _link;
    private long _endedBytesIn;
    private long _endedBytesOut;
    private volatile string _state = "Connecting";
    private Task? _stopped;

    private Tunnel(TunnelOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _tasks = new TaskSet(_ledger);
    }

    /// <summary>Its name in this session.</summary>
    public string Name => _options.Name;

    /// <summary>Connecting, Connected, Reconnecting or Stopped.</summary>
    public string State => _state;

    /// <summary>The relay.</summary>
    public CarrierUri RelayUri => _options.Relay;

    /// <summary>What is exposed: <c>tcp=127.0.0.1:9000</c>.</summary>
    public IReadOnlyList<string> Service => _options.Service.Entries;

    /// <summary>How many clients are on the link.</summary>
    public int ClientCount => _link?.ClientCount ?? 0;

    /// <summary>Bytes received from the relay since the start.</summary>
    public long BytesIn => Interlocked.Read(ref _endedBytesIn) + (_link?.BytesIn ?? 0);

    /// <summary>Bytes sent to the relay since the start.</summary>
    public long BytesOut => Interlocked.Read(ref _endedBytesOut) + (_link?.BytesOut ?? 0);

    /// <summary>Dials the relay and returns when both have greeted; from then on the tunnel keeps itself connected.</summary>
    /// <exception cref="LinkException">The relay cannot be reached, or does not greet.</exception>
    public static async Task<Tunnel> StartAsync(TunnelOptions options, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var tunnel = new Tunnel(options, time ?? TimeProvider.System);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tunnel._tasks.Run(() => tunnel.RunAsync(first));
        try
        {
            await first.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the link and every client of it; done when all have ended.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopped ??= StopCoreAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private async Task RunAsync(TaskCompletionSource first)
    {
        var failures = 0;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await RunLinkAsync(() =>
                {
                    failures = 0;
                    _state = "Connected";
                    first.TrySetResult();
                }).ConfigureAwait(false);
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException or ArgumentException)
            {
                var reason = error is OperationCanceledException ? "it did not answer in time" : error.Message;
                if (first.TrySetException(new LinkException($"No link to the relay at {RelayUri}: {reason}", error)))
                {
                    return;
                }
            }

            _state = "Reconnecting";
            await WaitAsync(failures++).ConfigureAwait(false);
        }
    }

    private async Task RunLinkAsync(Action connected)
    {
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var timeout = _time.CreateTimer(_ => connecting.Cancel(), null, _options.ConnectTimeout, Timeout.InfiniteTimeSpan);

        // Awaited, so that a timer that fires at the last moment finds its token source alive.
        await using var stopTimeout = timeout.ConfigureAwait(false);
        var socket = await TcpSocket.ConnectAsync(_options.Relay.Host, _options.Relay.Port, connecting.Token).ConfigureAwait(false);
        var link = new LinkConnection(LinkRole.Device, new NetworkStream(socket, ownsSocket: true), _options.Link, Serve, _time);
        await using (link.ConfigureAwait(false))
        {
            using var closing = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            _link = link;
            var running = link.RunAsync(closing.Token);
            try
            {
                await link.Up.WaitAsync(connecting.Token).ConfigureAwait(false);
                await timeout.DisposeAsync().ConfigureAwait(false);
                connected();
                await running.ConfigureAwait(false);
            }
            finally
            {
                await closing.CancelAsync().ConfigureAwait(false);
                await running.ConfigureAwait(false);
                Interlocked.Add(ref _endedBytesIn, link.BytesIn);
                Interlocked.Add(ref _endedBytesOut, link.BytesOut);
                _link = null;
            }
        }
    }

    /// <summary>Exponential back-off with full jitter, so that a thousand devices do not come back in one instant.</summary>
    private async Task WaitAsync(int failures)
    {
        var most = Math.Min(_options.MaxRetryDelay.TotalSeconds, FirstRetryDelay.TotalSeconds * Math.Pow(2, Math.Min(failures, 16)));
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(most * Random.Shared.NextDouble()), _time, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopped while waiting: the loop sees it.
        }
    }

    private void Serve(LinkConnection link, LinkClient client)
    {
        if (_options.Service.Find(client.Meta) is { } target)
        {
            _tasks.Run(() => DialAsync(link, client, target));
        }
        else
        {
            link.Fail(client, ErrorCode.NoService, "this device serves no such service");
        }
    }

    private async Task DialAsync(LinkConnection link, LinkClient client, LocalTarget target)
    {
        using var dialling = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var timeout = _time.CreateTimer(_ => dialling.Cancel(), null, _options.DialTimeout, Timeout.InfiniteTimeSpan);
        await using var stopTimeout = timeout.ConfigureAwait(false);
        try
        {
            var socket = await TcpSocket.ConnectAsync(target.Host, target.Port, dialling.Token).ConfigureAwait(false);
            if (!link.TryAttach(client, socket))
            {
                socket.Dispose();
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException)
        {
            link.Fail(client, ErrorCode.NoService, "the local service cannot be reached");
        }
    }

    private async Task StopCoreAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _tasks.WhenEmptyAsync().ConfigureAwait(false);
        _state = "Stopped";
    }
}
