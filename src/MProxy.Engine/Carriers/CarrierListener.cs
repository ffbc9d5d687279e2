using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Takes the carriers of devices on one address.</summary>
internal sealed class CarrierListener : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly ResourceLedger _ledger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskSet _tasks;
    private readonly Action<string> _refused;
    private readonly WaitingRoom _pending;
    private volatile CarrierHandshake _handshake;
    private int _underWay;
    private Task _running = Task.CompletedTask;

    private CarrierListener(CarrierUri uri, CarrierHandshake handshake, Action<string> refused, WaitingRoom pending, ResourceLedger ledger, TimeProvider time)
    {
        _refused = refused;
        _pending = pending;
        _socket = ledger.Add(uri.SocketPath is { } path ? UnixSocket.Listen(path) : TcpSocket.Listen((IPEndPoint)uri.ToEndPoint()));
        _handshake = handshake;
        _ledger = ledger;
        _time = time;
        _tasks = new TaskSet(ledger);
        Uri = _socket.LocalEndPoint is IPEndPoint bound ? uri with { Port = bound.Port } : uri;
    }

    /// <summary>The address with the port that is really open.</summary>
    public CarrierUri Uri { get; }

    /// <summary>How many handshakes are under way.</summary>
    public int HandshakeCount => Volatile.Read(ref _underWay);

    /// <summary>Binds, so that devices can connect; nobody is served before <see cref="RunAsync"/>. A socket file is deleted when it is closed.</summary>
    /// <param name="uri">Where.</param>
    /// <param name="options">What is asked of who comes.</param>
    /// <param name="refused">Told of each who becomes no carrier, with one of <see cref="CarrierRefusal"/>. Called on pool threads.</param>
    /// <param name="pending">Who has a place before it has shown what it is. A carrier keeps its place until it is told otherwise.</param>
    /// <param name="ledger">Where sockets and buffers are noted.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SocketException">The address or port cannot be had.</exception>
    /// <exception cref="ArgumentException">An option is missing, malformed, or does not fit the scheme.</exception>
    /// <exception cref="FormatException">The host is no address and not localhost.</exception>
    public static CarrierListener Open(CarrierUri uri, ListenOptions options, Action<string> refused, WaitingRoom pending, ResourceLedger ledger, TimeProvider time)
    {
        return uri.HasQuery
            ? throw new ArgumentException($"A relay listens on a path without a query, and {uri} has one.", nameof(uri))
            : new CarrierListener(uri, CarrierHandshake.Prepare(uri, options, ledger, time), refused, pending, ledger, time);
    }

    /// <summary>Makes what shakes hands by other options. It is not in use before <see cref="Use"/>.</summary>
    /// <exception cref="ArgumentException">An option is missing, malformed, or does not fit the scheme.</exception>
    public CarrierHandshake Prepare(ListenOptions options) => CarrierHandshake.Prepare(Uri, options, _ledger, _time);

    /// <summary>Whoever comes from now on is received like this. Handshakes under way go on as they began.</summary>
    public void Use(CarrierHandshake handshake) => _handshake = handshake;

    /// <summary>Accepts until cancelled or disposed of; done when every handshake has ended. Once.</summary>
    /// <param name="accepted">Owns each carrier from then on. Called on pool threads, for several at once: return soon, and throw nothing.</param>
    /// <param name="cancellationToken">Ends the listening, not the carriers that were handed out.</param>
    public Task RunAsync(Action<Carrier> accepted, CancellationToken cancellationToken) =>
        _running = _ledger.RunAsync(() => RunCoreAsync(accepted, cancellationToken));

    /// <summary>Stops accepting, waits for the handshakes under way to end, and closes the port.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_closing.IsCancellationRequested)
        {
            await _closing.CancelAsync().ConfigureAwait(false);
        }

        await _running.ConfigureAwait(false);
        _ledger.Close(_socket);
    }

    private async Task RunCoreAsync(Action<Carrier> accepted, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            await TcpSocket.AcceptAllAsync(_socket, socket => Take(socket, accepted, stopping.Token), _time, stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await _tasks.WhenEmptyAsync().ConfigureAwait(false);
        }
    }

    private void Take(Socket socket, Action<Carrier> accepted, CancellationToken cancellationToken)
    {
        var handshake = _handshake;
        if (_pending.TryEnter((SocketEndPoints.Remote(socket) as IPEndPoint)?.Address, () => TcpSocket.TryShutdown(socket)) is not { } place)
        {
            _refused(CarrierRefusal.TooManyOfAddress);
            socket.Dispose();
        }
        else if (!handshake.IsNeeded)
        {
            // It may have had to go for another already.
            if (handshake.TryAccept(socket, place) is { } carrier)
            {
                accepted(carrier);
            }
            else
            {
                _refused(place.IsGivenUp ? CarrierRefusal.TooMany : CarrierRefusal.Failed);
            }
        }
        else
        {
            Interlocked.Increment(ref _underWay);
            _tasks.Run(() => ShakeHandsAsync(handshake, socket, place, accepted, cancellationToken));
        }
    }

    private async Task ShakeHandsAsync(CarrierHandshake handshake, Socket socket, WaitingRoom.Place place, Action<Carrier> accepted, CancellationToken cancellationToken)
    {
        Carrier? carrier;
        try
        {
            carrier = await handshake.RunAsync(socket, place, _refused, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }

        if (carrier is not null)
        {
            accepted(carrier);
        }
    }
}
