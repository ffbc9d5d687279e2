using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Events;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;

namespace MProxy.Engine.Device;

/// <summary>The device's side of a service: brings the clients of one or more links to local services.</summary>
public sealed class Tunnel : ISession, IMeterSource
{
    private readonly TunnelSettings _settings;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly ResourceLedger _ledger = new();
    private readonly EventFeed _events;
    private readonly ServiceBoard _board;
    private readonly ServiceProber _prober;
    private readonly LocalDialer _dialer;
    private readonly DeviceLink[] _owned;
    private readonly SessionMeter _meter;
    private readonly MetricsEndpoint? _metrics;
    private readonly IdleSweep _idle;
    private readonly StopSwitch _stop = new();

    private Tunnel(TunnelOptions options, TimeProvider time)
    {
        _settings = new TunnelSettings(options);
        _events = new EventFeed(this, time);
        _meter = new SessionMeter(EngineMeter.TunnelName, Name);
        _metrics = options.MetricsEndPoint is { } address ? MetricsEndpoint.Start(address, _meter.Owner, _ledger, time) : null;
        _board = new ServiceBoard(options.Service, change => _events.Raise(EventKind.ServiceHealthChanged, Name, change), TellServices, time);
        _prober = new ServiceProber(_settings, new ServiceCheck(_settings, _ledger, time), _board, _ledger, time);
        _dialer = new LocalDialer(_settings, _board, failure => _events.Raise(EventKind.ServiceFailed, Name, failure), _meter, _ledger, time);

        // With several relays, one that is not there yet is tried again.
        var session = Guid.NewGuid().ToString("n");
        _owned = [.. options.Relays.Select(relay => DeviceLink.Start(relay with { Session = session }, keepTrying: options.Relays.Count > 1, _dialer, time, _ledger, _events))];
        Links = [.. _owned, .. options.Links];
        foreach (var link in options.Links)
        {
            link.Events.AddFollower(_events);
        }

        // Of a link that serves others too, its own clients alone.
        _idle = new IdleSweep(
            () => Links.Select(link => link.Connection).OfType<LinkConnection>(),
            client => client.Sink is LocalDatagrams ? _settings.Current.DatagramIdleTimeout : TimeSpan.Zero,
            () => [_settings.Current.DatagramIdleTimeout],
            time);
        Ended = Task.WhenAny(_stop.Done, Task.WhenAll(Links.Select(link => link.Ended)));
        EngineMeter.Add(this);
        _prober.Start();
    }

    /// <inheritdoc/>
    public event EventHandler<Event>? EventRaised
    {
        add => _events.Raised += value;
        remove => _events.Raised -= value;
    }

    /// <summary>Its name in this session.</summary>
    public string Name => _settings.Current.Name;

    /// <summary>Done when it was stopped, or none of its links is left.</summary>
    public Task Ended { get; }

    /// <inheritdoc/>
    public LinkException? Failure => Ended.IsCompleted ? Links.Select(link => link.Failure).FirstOrDefault(failure => failure is not null) : null;

    /// <inheritdoc/>
    public long UntoldEventCount => Links.Sum(link => link.UntoldEventCount);

    /// <inheritdoc/>
    public Task EventsHandedOut => _events.HandedOut;

    /// <summary>How long a message over its slowest link and back takes, as last measured; null while none is connected.</summary>
    public TimeSpan? RoundTrip => Links.Max(link => link.RoundTrip);

    /// <summary>Where it stands: connected as long as one of its links is.</summary>
    public LinkState State => _stop.IsDone ? LinkState.Stopped
        : Links.Select(link => link.State).MinBy(state => state switch
        {
            LinkState.Draining => 0,
            LinkState.Connected => 1,
            LinkState.Connecting => 2,
            LinkState.Reconnecting => 3,
            LinkState.Waiting => 4,
            LinkState.Refused => 5,
            _ => 6,
        });

    /// <summary>The links, one or more to each relay.</summary>
    public IReadOnlyList<DeviceLink> Links { get; }

    /// <summary>The relays.</summary>
    public IReadOnlyList<CarrierUri> RelayUri => [.. Links.Select(link => link.RelayUri).OfType<CarrierUri>().Distinct()];

    /// <summary>What is exposed: <c>tcp=127.0.0.1:9000</c>.</summary>
    public IReadOnlyList<string> Service => _settings.Current.Service.Entries;

    /// <summary>The same, each with whether it gets new clients.</summary>
    public IReadOnlyList<ServiceStatus> Services => _board.Statuses;

    /// <summary>How many clients are on the links.</summary>
    public int ClientCount => Links.Sum(link => link.ClientCount);

    /// <summary>The clients on the links, those of one link after those of another. None when it has stopped: its links may serve others then.</summary>
    public IReadOnlyList<ClientConnection> Connections => _stop.IsDone ? [] : Links.SelectMany(link => link.ConnectionsOf(Name)).ToArray();

    /// <summary>Bytes received from the relays since the start.</summary>
    public long BytesIn => Links.Sum(link => link.BytesIn);

    /// <summary>Bytes sent to the relays since the start.</summary>
    public long BytesOut => Links.Sum(link => link.BytesOut);

    /// <summary>Where its metrics are shown, with the port that is really open; null for nowhere.</summary>
    public IPEndPoint? MetricsEndPoint => _metrics?.Address;

    KeyValuePair<string, object?> IMeterSource.Owner => _meter.Owner;

    int IMeterSource.Links => Links.Count(link => link.Connection is not null);

    int IMeterSource.Clients => ClientCount;

    (long Received, long Sent) IMeterSource.LinkBytes => (Traffic.BytesIn, Traffic.BytesOut);

    /// <summary>What comes over a device's link is what clients sent.</summary>
    (long Received, long Sent) IMeterSource.ClientBytes => (Traffic.ClientBytesIn, Traffic.ClientBytesOut);

    IReadOnlyDictionary<string, long> IMeterSource.DatagramsDropped => _dialer.DatagramsDropped;

    (long Received, long Sent) IMeterSource.Pauses => (Traffic.PausesIn, Traffic.PausesOut);

    /// <summary>Whatever this tunnel holds open.</summary>
    internal ResourceLedger Ledger => _ledger;

    /// <summary>Who is in.</summary>
    internal DialBound Bound => _dialer.Bound;

    private Traffic Traffic => Links.Aggregate(default(Traffic), (sum, link) => sum + link.Traffic);

    /// <summary>Returns when a first link is up; from then on each keeps itself up. When the first try of every relay has failed, the tunnel has.</summary>
    /// <exception cref="ArgumentException">An option is out of range, the services cannot be dialled from the source address, or not be probed like this.</exception>
    /// <exception cref="ArgumentException">The metrics would be shown to other machines.</exception>
    /// <exception cref="SocketException">The address or port for the metrics cannot be had.</exception>
    /// <exception cref="LinkException">No relay can be reached, greets and accepts the tokens; or a link serves somebody else.</exception>
    public static async Task<Tunnel> StartAsync(TunnelOptions options, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        TunnelOptionsCheck.Check(options);
        EarlyLoad.OfEngine(withTokens: false);
        var tunnel = new Tunnel(options, time ?? TimeProvider.System);
        try
        {
            await tunnel.FirstTryAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes one service out: no new clients come for it, and those that it has may finish. Relays send them elsewhere, or refuse them.</summary>
    /// <param name="key">The service, by the key that it has here: <c>app.example.com</c>, <c>*.example.com</c>, a port, <c>http</c> or <c>*</c>.</param>
    /// <returns>False where that was so already.</returns>
    /// <exception cref="ArgumentException">There is no such service.</exception>
    /// <exception cref="InvalidOperationException">There are more services than a relay can be told of.</exception>
    public bool DrainService(string key) => ServicesMessage.WhyNot(_settings.Current.Service.Keys) is { } reason
        ? throw new InvalidOperationException(reason)
        : _board.SetDraining(key, true);

    /// <summary>Takes a drain back: new clients come again, unless the service is down.</summary>
    /// <param name="key">The service.</param>
    /// <returns>False where it was not draining.</returns>
    /// <exception cref="ArgumentException">There is no such service.</exception>
    public bool RestoreService(string key) => _board.SetDraining(key, false);

    /// <summary>
    /// Makes the tunnel work by other options from now on, whole or not at all. Clients that are there go on as they came, also where their
    /// service is none any more. Links that are up are shown new tokens, and then those that are gone are taken back; the others do that when
    /// they connect.
    /// </summary>
    /// <param name="change">Makes the new options of those that hold now.</param>
    /// <param name="cancellationToken">Gives it up, as long as nothing has changed.</param>
    /// <exception cref="FixedOptionException">One is another that cannot change while the tunnel runs.</exception>
    /// <exception cref="InvalidOperationException">The tunnel has stopped, or has no link any more.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the services cannot be dialled from the source address.</exception>
    /// <exception cref="LinkException">A relay refused a new token.</exception>
    public async Task ChangeAsync(Func<TunnelOptions, TunnelOptions> change, CancellationToken cancellationToken = default)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_stop.IsDone)
            {
                throw new InvalidOperationException($"The tunnel {Name} has stopped.");
            }

            if (_owned.Length > 0 && _owned.All(link => link.Ended.IsCompleted))
            {
                throw new InvalidOperationException($"No link of the tunnel {Name} is left: its relays refused it. Stop it, and start it anew.");
            }

            var current = _settings.Current;
            var next = change(current);
            TunnelOptionsCheck.CheckChange(current, next);
            if (_board.Statuses.Any(service => service.State == ServiceState.Draining) && ServicesMessage.WhyNot(next.Service.Keys) is { } reason)
            {
                throw new ArgumentException(reason);
            }

            var links = _owned.Select((link, i) => (Link: link, next.Relays[i].Tokens))
                .Where((_, i) => !ReferenceEquals(current.Relays[i].Tokens, next.Relays[i].Tokens)).ToArray();
            try
            {
                await Task.WhenAll(links.Select(one => one.Link.TokenSync.TryAsync(one.Tokens, cancellationToken))).ConfigureAwait(false);
                await _prober.StopAsync(next).ConfigureAwait(false);
                _settings.Current = next;
                _board.Replace(next.Service, ServiceProber.ProbesOf(next).ContainsKey);
                _prober.Start();
                if (!ReferenceEquals(current.Service, next.Service))
                {
                    _dialer.Forget();
                }

                _idle.Rearm();
                Array.ForEach(links, one => one.Link.Tokens.Set(one.Tokens));
            }
            finally
            {
                // Takes back what is gone; or what is new, where one of the relays refused it.
                await Task.WhenAll(links.Select(one => one.Link.TokenSync.SyncAsync())).ConfigureAwait(false);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default) =>
        _stop.StopAsync(hurry => StopCoreAsync(drain, hurry), drain, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private async Task FirstTryAsync()
    {
        var links = _settings.Current.Links;
        foreach (var link in links)
        {
            if (!link.TryServe(_dialer))
            {
                throw new LinkException($"The link to {link.RelayUri?.ToString() ?? "its stream"} serves another tunnel or script already.");
            }
        }

        if (links.Count > 0)
        {
            return;
        }

        var failed = Task.CompletedTask;
        List<Task> waiting = [.. _owned.Select(link => link.FirstTry)];
        while (waiting.Count > 0)
        {
            var first = await Task.WhenAny(waiting).ConfigureAwait(false);
            waiting.Remove(first);
            if (first.IsCompletedSuccessfully)
            {
                return;
            }

            // One that is cancelled had no address to try: another link of the same name had it, and says what became of it.
            failed = first.IsFaulted ? first : failed;
        }

        await failed.ConfigureAwait(false);
    }

    private void TellServices()
    {
        foreach (var link in Links)
        {
            link.TellServices();
        }
    }

    private async Task StopCoreAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        await _idle.DisposeAsync().ConfigureAwait(false);
        await _prober.StopAsync().ConfigureAwait(false);
        await Task.WhenAll(
            [.. _owned.Select(link => link.StopAsync(drain, cancellationToken)),
            .. _settings.Current.Links.Select(link => link.ReleaseAsync(_dialer, drain, cancellationToken))]).ConfigureAwait(false);
        await _dialer.StopAsync().ConfigureAwait(false);
        EngineMeter.Remove(this);
        if (_metrics is not null)
        {
            await _metrics.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var link in Links)
        {
            link.Events.RemoveFollower(_events);
        }

        _events.Raise(EventKind.Stopped, Name, "Everything has ended.");
    }
}
