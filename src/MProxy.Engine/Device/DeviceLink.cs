using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Events;
using MProxy.Engine.Health;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>A device's end of a link: dials a relay, shows its tokens, and dials again when the link is lost.</summary>
public sealed class DeviceLink : ISession
{
    private readonly DeviceLinkOptions _options;
    private readonly TimeProvider _time;
    private readonly ResourceLedger _ledger;
    private readonly TaskSet _tasks;
    private readonly IAsyncDisposable? _capture;
    private readonly EventFeed _events;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _firstTry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object _gate = new();
    private LinkLife? _life;
    private IClientHandler? _handler;
    private LinkState _state = LinkState.Connecting;
    private readonly TrafficSum _traffic = new();
    private bool _isReleasing;
    private bool _wasUp;
    private volatile IPAddress? _address;
    private readonly StopSwitch _stop = new();

    private DeviceLink(DeviceLinkOptions options, TimeProvider time, ResourceLedger ledger)
    {
        _options = options;
        Tokens = new TokenList(options.Tokens);
        _time = time;
        _ledger = ledger;
        _tasks = new TaskSet(ledger);
        _events = new EventFeed(this, time);
        TokenSync = new TokenSync(Tokens, () => ConnectedLife, refusal => _events.Raise(EventKind.PeerError, _options.Target, refusal.Message, refusal.Code));
        _capture = options.Capture?.Join(reason => _events.Raise(EventKind.CaptureStopped, _options.Target, reason));
    }

    /// <inheritdoc/>
    public event EventHandler<Event>? EventRaised
    {
        add => _events.Raised += value;
        remove => _events.Raised -= value;
    }

    /// <summary>Its name in this session.</summary>
    public string Name => _options.Name;

    /// <summary>Where the link stands.</summary>
    public LinkState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>The relay; null on a stream.</summary>
    public CarrierUri? RelayUri => _options.Relay;

    /// <summary>What the link runs over: tcp, tls, ws, wss, unix or stream.</summary>
    public string Carrier => _options.Relay?.Scheme ?? "stream";

    /// <summary>The versions that the relay's hello lists.</summary>
    public IReadOnlyList<long> Versions => [.. _life?.Connection.Hello.Versions ?? []];

    /// <summary>The commands that the relay's hello lists.</summary>
    public IReadOnlyList<string> Commands => [.. _life?.Connection.Hello.Commands ?? []];

    /// <summary>What the relay lets this link serve.</summary>
    public IReadOnlyList<ServiceGrant> Grants => _life?.Grants ?? [];

    /// <summary>The identity of this end, as the relay sees it unless an address is translated on the way: <c>IPv4,192.0.2.1,54321</c>. Null while not connected, and where the carrier has none.</summary>
    public string? SocketId => _life?.Connection.Carrier.LocalEndPoint is IPEndPoint local ? ClientIdentity.ToSocketId(local) : null;

    /// <summary>The address and port of the relay, or of a proxy on the way; null while not connected, and where the carrier has none.</summary>
    public EndPoint? RemoteEndPoint => _life?.Connection.Carrier.RemoteEndPoint;

    /// <summary>How long a message to the relay and back takes, as last measured; null while not connected.</summary>
    public TimeSpan? RoundTrip => _life?.Connection.RoundTrip;

    /// <summary>How many clients are on the link.</summary>
    public int ClientCount => _life?.Connection.ClientCount ?? 0;

    /// <summary>The clients on the link.</summary>
    public IReadOnlyList<ClientConnection> Connections => ConnectionsOf(Name);

    /// <summary>Bytes received since the start, over all connections.</summary>
    public long BytesIn => Traffic.BytesIn;

    /// <summary>Bytes sent since the start, over all connections.</summary>
    public long BytesOut => Traffic.BytesOut;

    /// <summary>Done when the link has ended for good: stopped, refused, or its stream is over.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Why the relay refused the link for good; null where it did not.</summary>
    public LinkException? Failure { get; private set; }

    /// <inheritdoc/>
    public long UntoldEventCount => _events.UntoldCount;

    /// <inheritdoc/>
    public Task EventsHandedOut => _events.HandedOut;

    /// <summary><c>Tls12</c> or <c>Tls13</c>; null without TLS, and while not connected.</summary>
    public string? TlsProtocol => _life?.Connection.Carrier.TlsProtocol;

    /// <summary>SHA-256 of the relay's certificate, in hex; null without TLS, and while not connected.</summary>
    public string? Thumbprint => _life?.Connection.Carrier.PeerThumbprint;

    /// <summary>What tells a fleet of relays which links are one device's.</summary>
    internal string Session => _options.Session;

    /// <summary>Where its events go.</summary>
    internal EventFeed Events => _events;

    /// <summary>What has moved since the start, over all connections.</summary>
    internal Traffic Traffic => _traffic.Now;

    /// <summary>Whatever this link holds open.</summary>
    internal ResourceLedger Ledger => _ledger;

    /// <summary>The connection there is now; null while there is none.</summary>
    internal LinkConnection? Connection => ConnectedLife?.Connection;

    /// <summary>Done when the first try has brought the link up; fails when it has not.</summary>
    internal Task FirstTry => _firstTry.Task;

    /// <summary>What the link shows to the relay.</summary>
    internal TokenList Tokens { get; }

    /// <summary>Which services of whoever has the clients get new ones.</summary>
    internal IReadOnlyList<KeyValuePair<string, AnnouncedService>> ServiceStates => Handler?.ServiceStates ?? [];

    private IClientHandler? Handler
    {
        get
        {
            lock (_gate)
            {
                return _handler;
            }
        }
    }

    /// <summary>Brings a link that is up in line with that.</summary>
    internal TokenSync TokenSync { get; }

    private LinkLife? ConnectedLife => State is LinkState.Connected or LinkState.Draining ? _life : null;

    /// <summary>Dials, greets and shows the tokens; from then on the link keeps itself up.</summary>
    /// <exception cref="LinkException">The relay cannot be reached, does not greet, or refuses a token.</exception>
    public static async Task<DeviceLink> ConnectAsync(DeviceLinkOptions options, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var link = Start(options, keepTrying: false, null, time ?? TimeProvider.System, new ResourceLedger());
        try
        {
            await link.FirstTry.WaitAsync(cancellationToken).ConfigureAwait(false);
            return link;
        }
        catch
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The clients on the link, as those of whoever serves them.</summary>
    internal ClientConnection[] ConnectionsOf(string owner) => _life?.Connection.Connections(owner, Name) ?? [];

    /// <summary>Asks the relay for something, and waits for its reply. Tokens that it accepts are shown again after a reconnect.</summary>
    /// <exception cref="LinkException">There is no link now.</exception>
    public async Task<ControlReply> SendControlAsync(string command, IReadOnlyList<object?> arguments, CancellationToken cancellationToken = default)
    {
        var life = ConnectedLife ?? throw new LinkException($"There is no link to the relay at {_options.Target} now.", code: ErrorCode.LinkLost);
        var reply = await life.Connection.RequestAsync(command, [.. arguments]).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (reply.Success && arguments is [string token])
        {
            Tokens.Apply(command, token);
            life.Shown.Apply(command, token);
        }

        return reply;
    }

    /// <summary>The next frame of this link's clients, for a device written in script; null when the link has ended and all are taken.</summary>
    /// <exception cref="LinkException">The clients belong to a tunnel.</exception>
    public Task<Frame?> ReceiveFrameAsync(CancellationToken cancellationToken = default) => Frames().ReceiveAsync(cancellationToken);

    /// <summary>Sends a message, end or error for a client that <see cref="ReceiveFrameAsync"/> told of. Messages wait for their turn, and while the relay has paused the client.</summary>
    /// <returns>False where there is no such client, or no longer.</returns>
    /// <exception cref="LinkException">The clients belong to a tunnel.</exception>
    /// <exception cref="NotSupportedException">Another kind: those are the link's own.</exception>
    public Task<bool> SendFrameAsync(FrameKind kind, string socketId, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default) =>
        Frames().SendAsync(kind, socketId, body, cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _state = drain > TimeSpan.Zero && _state == LinkState.Connected ? LinkState.Draining : _state;
        }

        return _stop.StopAsync(hurry => StopCoreAsync(drain, hurry), drain, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    /// <summary>Starts to dial, and returns at once.</summary>
    /// <param name="options">How to reach the relay.</param>
    /// <param name="keepTrying">A first try that fails is not the last.</param>
    /// <param name="handler">Who has the clients; null for nobody yet.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ledger">Where sockets are noted.</param>
    /// <param name="follower">Told of all that happens, from the first moment on; null for nobody.</param>
    internal static DeviceLink Start(DeviceLinkOptions options, bool keepTrying, IClientHandler? handler, TimeProvider time, ResourceLedger ledger, EventFeed? follower = null)
    {
        var link = new DeviceLink(options, time, ledger) { _handler = handler };
        if (follower is not null)
        {
            link._events.AddFollower(follower);
        }

        link._tasks.Run(() => link.RunAsync(keepTrying));
        return link;
    }

    /// <summary>Gives the clients of this link to somebody. False where somebody has them.</summary>
    internal bool TryServe(IClientHandler handler)
    {
        lock (_gate)
        {
            _handler ??= handler;
            if (_handler != handler)
            {
                return false;
            }
        }

        TellServices();
        return true;
    }

    /// <summary>Tells the relay which services get new clients, where that has changed. Not to be called with a lock held.</summary>
    internal void TellServices() => _life?.Announcer.Tell();

    /// <summary>Takes the clients from whoever has them: no new ones, running ones for as long as <paramref name="drain"/> allows. Nobody else gets any before that is over.</summary>
    internal async Task ReleaseAsync(IClientHandler handler, TimeSpan drain, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_handler != handler)
            {
                return;
            }

            _isReleasing = true;
        }

        if (_life?.Connection is { } connection)
        {
            await StopSwitch.DrainAsync(connection.WhenIdleAsync(), drain, _time, cancellationToken).ConfigureAwait(false);
            connection.FailWhere(_ => true, ErrorCode.NoService, "the service was stopped");
        }

        lock (_gate)
        {
            _handler = null;
            _isReleasing = false;
        }

        TellServices();
    }

    private async Task RunAsync(bool keepTrying)
    {
        var backOff = new BackOff(_options.MaxRetryDelay, _options.StableAfter, _options.Random);
        try
        {
            for (; ; )
            {
                var (error, wasUpFor) = await RunLifeAsync().ConfigureAwait(false);
                var isElsewhereUntried = _address is { } left && _options.Addresses!.Ended(left, error);
                if (isElsewhereUntried && !_wasUp && !_stop.IsOn)
                {
                    continue;
                }

                _firstTry.TrySetException(NoLink(error));
                if (_stop.IsOn || (_options.Addresses?.AllRefuse != false && Refuse(error)) || error is ArgumentException || !(_wasUp || keepTrying) || _options.Stream is not null)
                {
                    return;
                }

                var delay = backOff.Next(wasUpFor);
                SetState(_wasUp ? LinkState.Reconnecting : LinkState.Connecting);
                var waiting = Task.Delay(delay, _time, _stopping.Token);
                _events.Raise(EventKind.LinkLost, _options.Target, $"{Reason(error)}{(_address is { } address && wasUpFor > TimeSpan.Zero ? $" It was with {address}." : "")} Next try in {delay.TotalSeconds:0.0} s.", (error as LinkException)?.Code);
                await waiting.ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped while waiting.
        }
        finally
        {
            // Whatever ended the loop; and observed here, since nobody need be waiting.
            _firstTry.TrySetException(NoLink(null));
            _ = _firstTry.Task.Exception;
            _options.Addresses?.Return(_address);
            if (_capture is not null)
            {
                await _capture.DisposeAsync().ConfigureAwait(false);
            }

            SetState(LinkState.Stopped);
            _events.Raise(EventKind.Stopped, _options.Target, "The link has ended.");
            lock (_gate)
            {
                _ended.TrySetResult();
                (_handler as FrameExchange)?.Complete();
            }
        }
    }

    /// <summary>One connection from dialling to its end.</summary>
    private async Task<(Exception? Error, TimeSpan WasUpFor)> RunLifeAsync()
    {
        try
        {
            var life = await LinkLife.ConnectAsync(this, await PlaceAsync().ConfigureAwait(false), Tokens.All, _ledger, _time, _stopping.Token).ConfigureAwait(false);
            await using (life.ConfigureAwait(false))
            {
                _life = life;
                _traffic.Add(life.Connection);

                // What has changed since the greeting.
                TellServices();
                var upAt = _time.GetTimestamp();
                SetState(LinkState.Connected);
                _wasUp = true;
                var with = "";
                if (_address is { } address)
                {
                    _options.Addresses!.Worked(address);
                    with = $", with {address}";
                }

                _events.Raise(EventKind.LinkUp, _options.Target, $"The link is up{with}.");
                Handler?.LinkUp();
                _firstTry.TrySetResult();

                // Tokens may have come or gone while those from before were shown.
                _tasks.Run(TokenSync.SyncAsync);
                try
                {
                    var end = await life.Running.ConfigureAwait(false);
                    Handler?.LinkEnded(end);
                    return (end, _time.GetElapsedTime(upAt));
                }
                finally
                {
                    _traffic.Remove(life.Connection);
                    _life = null;
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ArgumentException)
        {
            return (error, default);
        }
    }

    /// <summary>Where to dial: an address of the relay's name that is this link's alone, where links share the name.</summary>
    private async Task<DeviceLinkOptions> PlaceAsync()
    {
        if (_options.Addresses is not { } addresses)
        {
            return _options;
        }

        var wasWaiting = false;
        _address = await addresses.TakeAsync(_options.Relay!, _address, _options, Wait, _time, _stopping.Token).ConfigureAwait(false);
        if (wasWaiting)
        {
            SetState(_wasUp ? LinkState.Reconnecting : LinkState.Connecting);
        }

        return _options with { Dial = _options.Dial with { Address = _address } };

        void Wait()
        {
            (_address, wasWaiting) = (null, true);
            SetState(LinkState.Waiting);

            // No try, and so no failure of one.
            _firstTry.TrySetCanceled();
        }
    }

    /// <summary>A client came over a connection of this link.</summary>
    internal void Serve(LinkConnection link, LinkClient client)
    {
        IClientHandler? handler;
        lock (_gate)
        {
            handler = _state == LinkState.Draining || _isReleasing ? null : _handler;
        }

        if (handler is null)
        {
            ClientEvents.Refused(_events, _options.Target, client.Meta, "this device takes no clients now");
            link.Fail(client, ErrorCode.NoService, "this device takes no clients now");
        }
        else
        {
            ClientEvents.Opened(_events, _options.Target, client);
            handler.Opened(this, link, client);
        }
    }

    /// <summary>A client of a connection of this link is over.</summary>
    internal void ClientEnded(LinkClient client)
    {
        ClientEvents.Closed(_events, _options.Target, client, _time);
        Handler?.Ended(this, client);
    }

    /// <summary>A probe of a connection of this link was answered.</summary>
    internal void Measured(TimeSpan roundTrip) => Handler?.Measured(roundTrip);

    /// <summary>One of several tokens does not hold any more.</summary>
    internal void TokenDropped(string token, LinkException refusal)
    {
        Tokens.Apply("delete_token", token);
        _events.Raise(EventKind.PeerError, _options.Target, $"{refusal.Message} It is not shown again: the others hold.", refusal.Code);
    }

    internal void GrantsChanged(ServiceGrant[] grants) =>
        _events.RaiseOfPeer(EventKind.GrantsChanged, _options.Target, grants.Length == 0 ? "Nothing may be served." : $"May serve {string.Join(", ", (object[])grants)}.");

    internal void ErrorReported(ControlReply error) =>
        _events.RaiseOfPeer(EventKind.PeerError, _options.Target, error.Message ?? "", error.Code);

    private FrameExchange Frames()
    {
        var frames = new FrameExchange();
        lock (_gate)
        {
            _handler ??= frames;
            frames = _handler as FrameExchange
                ?? throw new LinkException($"The clients of the link to {_options.Target} belong to a tunnel: stop that first.");
            if (_ended.Task.IsCompleted)
            {
                frames.Complete();
            }
        }

        return frames;
    }

    private bool Refuse(Exception? error)
    {
        if (error is not LinkException { IsFinal: true } refusal)
        {
            return false;
        }

        Failure = refusal;
        SetState(LinkState.Refused);
        _events.Raise(EventKind.LinkRefused, _options.Target, refusal.Message, refusal.Code);
        return true;
    }

    private void SetState(LinkState state)
    {
        lock (_gate)
        {
            // A refusal stays visible, and so does a drain until its end.
            if (_state != LinkState.Refused && (_state != LinkState.Draining || state == LinkState.Stopped))
            {
                _state = state;
            }
        }
    }

    private LinkException NoLink(Exception? error) =>
        new(error is CarrierException ? error.Message : $"No link to the relay at {_options.Target}: {Reason(error)}", error, (error as LinkException)?.Code);

    private static string Reason(Exception? error) => error?.Message ?? "The relay closed the link.";

    private async Task StopCoreAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        if (State == LinkState.Draining && _life?.Connection is { } connection)
        {
            _ = connection.RequestAsync("drain");
            var waiting = StopSwitch.DrainAsync(connection.WhenFinishedAsync(), drain, _time, cancellationToken);
            _events.Raise(EventKind.Draining, _options.Target, "No new clients come.");
            await waiting.ConfigureAwait(false);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _tasks.WhenEmptyAsync().ConfigureAwait(false);
    }
}
