using System.Collections.ObjectModel;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Access;
using MProxy.Engine.Carriers;
using MProxy.Engine.Events;
using MProxy.Engine.Fleet;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>The service in the middle: devices come in on one side, clients on the other, and each client goes to a device.</summary>
public sealed class RelayServer : ISession, IMeterSource
{
    private const int UsualHttpsPort = 443;
    private const string NoGreeting = "it did not greet in time";
    private const string NoToken = "its token was refused";
    private const string NoDevice = "it did not greet as a device does";

    private readonly object _changing = new();
    private readonly RelaySettings _settings;
    private readonly RelayOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _accepting = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ResourceLedger _ledger = new();
    private readonly TaskSet _tasks;
    private readonly EventFeed _events;
    private readonly IAsyncDisposable? _capture;
    private readonly List<CarrierListener> _listeners = [];
    private readonly TrafficSum _traffic = new();
    private MetricsEndpoint? _metrics;
    private readonly AccessLog? _accessLog;
    private readonly ClientRecords _records;
    private readonly ClientRouter _clients;
    private readonly IdleSweep _idle;
    private readonly CountByReason _limited = new();
    private readonly CountByReason _dropped = new();
    private readonly CountByReason _linksRefused = new();
    private readonly StopSwitch _stop = new();

    private RelayServer(RelayOptions options, TimeProvider time)
    {
        _settings = new RelaySettings(options);
        _options = options;
        _time = time;
        _tasks = new TaskSet(_ledger);
        _events = new EventFeed(this, time);

        // Before anything else is held, since it may not be there.
        _accessLog = options.AccessLog is { } log ? AccessLog.Open(log, reason => _events.Raise(EventKind.AccessLogFailed, Name, reason), time) : null;
        _records = new ClientRecords(Name, _accessLog, _events, time);
        Meter = new SessionMeter(EngineMeter.RelayName, Name);
        _capture = options.Capture?.Join(reason => _events.Raise(EventKind.CaptureStopped, Name, reason));
        var routes = options.Fleet is null ? null : new RouteCounts(() => !_settings.Current.ExactNamesOnly);
        Registry = new LinkRegistry(_settings, routes);
        Admission = new ClientAdmission(_settings, time);
        Pending = new WaitingRoom(() => (_settings.Limits.MaxPendingLinks, _settings.Limits.MaxPendingLinksPerAddress));
        _clients = new ClientRouter(_settings, Registry, Admission, _records, _tasks, _ledger, time);
        var datagrams = new DatagramRouter(_settings, _clients, DatagramDropped, time);
        Ports = new ClientPorts(options, (socket, port) => _clients.Accept(socket, port, _accepting.Token), datagrams, _ledger, time);
        _idle = new IdleSweep(
            () => ClientLinks.Select(link => link.Connection),
            client => _settings.Limits.IdleTimeoutOf(client),
            () => _settings.Limits.IdleTimeouts(withDns: options.DnsPort.Count > 0),
            time);
        Fleet = routes is null ? null : new RelayFleet(this, _settings, routes, _events, _traffic, _tasks, _ledger, time);
        _clients.Fleet = Fleet is null ? null : new FleetRouter(Fleet, _clients, Registry, Admission, time);
    }

    /// <inheritdoc/>
    public event EventHandler<Event>? EventRaised
    {
        add => _events.Raised += value;
        remove => _events.Raised -= value;
    }

    /// <summary>Its name in this session.</summary>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public Task Ended => _stop.Done;

    /// <summary>Null: a relay ends by a stop alone.</summary>
    public LinkException? Failure => null;

    /// <inheritdoc/>
    public long UntoldEventCount => _events.UntoldCount;

    /// <inheritdoc/>
    public Task EventsHandedOut => _events.HandedOut;

    /// <summary>How long a message to its slowest device and back takes, as last measured; null while none is connected.</summary>
    public TimeSpan? RoundTrip => Registry.Links.Where(link => link.IsDevice).Max(link => link.Connection.RoundTrip);

    /// <summary>Where devices come in, with the ports that are really open.</summary>
    public IReadOnlyList<CarrierUri> Listen { get; private set; } = [];

    /// <summary>The client ports of the relay's own, in the order they were asked for, with the numbers that are really open.</summary>
    public IReadOnlyList<int> TcpPort { get; private set; } = [];

    /// <summary>The ports for clients of TLS, in the order they were asked for, with the numbers that are really open.</summary>
    public IReadOnlyList<int> TlsPort { get; private set; } = [];

    /// <summary>The ports for clients of HTTP.</summary>
    public IReadOnlyList<int> HttpPort { get; private set; } = [];

    /// <summary>The ports for clients that show what they speak.</summary>
    public IReadOnlyList<int> MixedPort { get; private set; } = [];

    /// <summary>The ports for clients of UDP.</summary>
    public IReadOnlyList<int> UdpPort { get; private set; } = [];

    /// <summary>The ports for clients of DNS, over UDP and TCP.</summary>
    public IReadOnlyList<int> DnsPort { get; private set; } = [];

    /// <summary>All client ports of TCP that are open now, those of grants too.</summary>
    public IReadOnlyList<int> OpenPort => Ports.Open;

    /// <summary>All client ports of UDP that are open now, those of grants too.</summary>
    public IReadOnlyList<int> OpenUdpPort => Ports.OpenUdp;

    /// <summary>The names that devices with a link may serve now, by their tokens.</summary>
    public IReadOnlyList<string> GrantedName => Registry.Names;

    /// <summary>The names and ports that get no new clients.</summary>
    public IReadOnlyList<string> DrainedName => Registry.Drained.All;

    /// <summary>How many devices are connected.</summary>
    public int LinkCount => Registry.Links.Count(link => link.IsDevice);

    /// <summary>How many clients are on all links.</summary>
    public int ClientCount => ClientLinks.Sum(link => link.Connection.ClientCount);

    /// <summary>The clients on all links, those of one link after those of another.</summary>
    public IReadOnlyList<ClientConnection> Connections => ClientLinks.SelectMany(link => link.Connection.Connections(Name, link.Name)).ToArray();

    /// <summary>Where other relays of the fleet come in, with the port that is really open; null where there is none.</summary>
    public CarrierUri? PeerListen => Fleet?.PeerListen;

    /// <summary>The relays of its fleet as this one sees them, by name, itself among them. One that is in no fleet is alone.</summary>
    public IReadOnlyList<FleetRelay> FleetRelays => Fleet?.Relays
        ?? [new FleetRelay(Name, Name, true, _stop.IsOn ? FleetState.Draining : FleetState.Up, LinkCount, ClientCount, 0, "", null, EngineMeter.Meter.Version ?? "", 0)];

    /// <summary>Bytes received from devices since the start.</summary>
    public long BytesIn => _traffic.Now.BytesIn;

    /// <summary>Bytes sent to devices since the start.</summary>
    public long BytesOut => _traffic.Now.BytesOut;

    /// <summary>How many clients were turned away since the start.</summary>
    public long RefusedCount => _clients.RefusedCount;

    /// <summary>How many of those for which reason.</summary>
    public IReadOnlyDictionary<string, long> RefusedBy => _clients.RefusedBy;

    /// <summary>How many of those because another client of the same address and port was on the link, or had just been.</summary>
    public long DuplicateCount => _clients.DuplicateCount;

    /// <summary>How many connections for devices became no link, by the reason.</summary>
    public IReadOnlyDictionary<string, long> LinkRefusedBy => _linksRefused.All;

    /// <summary>How many times a limit struck a client that was let in, by the limit: it had to wait, or a datagram was dropped, or it was ended.</summary>
    public IReadOnlyDictionary<string, long> LimitedBy => _limited.All;

    /// <summary>Where its metrics are shown, with the port that is really open; null for nowhere.</summary>
    public IPEndPoint? MetricsEndPoint => _metrics?.Address;

    KeyValuePair<string, object?> IMeterSource.Owner => Meter.Owner;

    int IMeterSource.Links => LinkCount;

    int IMeterSource.Clients => ClientCount;

    (long Received, long Sent) IMeterSource.LinkBytes => (BytesIn, BytesOut);

    /// <summary>What a relay sends over links is what clients sent.</summary>
    (long Received, long Sent) IMeterSource.ClientBytes => (_traffic.Now.ClientBytesOut, _traffic.Now.ClientBytesIn);

    (long Received, long Sent) IMeterSource.Pauses => (_traffic.Now.PausesIn, _traffic.Now.PausesOut);

    IReadOnlyDictionary<string, long> IMeterSource.Refused => RefusedBy;

    IReadOnlyDictionary<string, long> IMeterSource.LinksRefused => LinkRefusedBy;

    IReadOnlyDictionary<string, long> IMeterSource.Limited => LimitedBy;

    IReadOnlyDictionary<string, long> IMeterSource.DatagramsDropped => _dropped.All;

    IReadOnlyDictionary<string, long> IMeterSource.FleetRelays => Fleet?.CountByState() ?? ReadOnlyDictionary<string, long>.Empty;

    (int Links, int Clients)? IMeterSource.Peers => Fleet?.Links is { } links ? (links.Length, links.Sum(link => link.Connection.ClientCount)) : null;

    long? IMeterSource.LogLinesDropped => _accessLog is null ? null : UnloggedCount;

    /// <summary>How many clients are missing in the access log: the disk did not take them, or too many were refused at once.</summary>
    public long UnloggedCount => (_accessLog?.Dropped ?? 0) + _records.Skipped;

    /// <summary>Who may come, how many, and how much they may move.</summary>
    public RelayLimits Limits => _settings.Limits;

    /// <summary>The ids of tokens that are refused.</summary>
    public IReadOnlyList<string> RevokedTokenId => _settings.Current.RevokedTokenIds;

    /// <summary>Whatever this relay holds open.</summary>
    internal ResourceLedger Ledger => _ledger;

    internal LinkRegistry Registry { get; }

    internal ClientPorts Ports { get; }

    internal ClientAdmission Admission { get; }

    internal RelaySettings Settings => _settings;

    internal WaitingRoom Pending { get; }

    internal SessionMeter Meter { get; }

    internal RelayFleet? Fleet { get; }

    /// <summary>All links that clients of this relay are on.</summary>
    private IEnumerable<IClientLink> ClientLinks => Registry.Links.Concat<IClientLink>(Fleet?.Links ?? []);

    /// <summary>Opens every listener, or none.</summary>
    /// <exception cref="InvalidOperationException">A relay without a secret would accept links from beyond this machine.</exception>
    /// <exception cref="SocketException">An address or port cannot be had.</exception>
    /// <exception cref="FleetDirectoryException">The part for such a directory cannot be loaded. Whether the directory is there, nobody waits for.</exception>
    /// <exception cref="ArgumentException">An option is out of range or does not go with the others, a secured carrier has no certificate, or the metrics would be shown to other machines.</exception>
    public static RelayServer Start(RelayOptions options, TimeProvider? time = null)
    {
        RelayOptionsCheck.Check(options);
        FleetLibrary.Check(options.Fleet?.Directory);
        EarlyLoad.OfEngine(withTokens: options.Keys.Count > 0);
        var relay = new RelayServer(options, time ?? TimeProvider.System);
        try
        {
            relay.Open();
            return relay;
        }
        catch
        {
            relay.StopAsync().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Takes a name out: its clients are refused from now on, whichever device they would go to, and those there are may finish.</summary>
    /// <param name="name">A name, <c>*.name</c> for all that is below one, or the number of a client port for all that come there.</param>
    /// <returns>False where that was so already.</returns>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public bool DrainName(string name) => Registry.Drained.Add(name);

    /// <summary>Refuses what can be neither drained nor restored, and does nothing else.</summary>
    /// <exception cref="ArgumentException">It is no name, <c>*.name</c> or port.</exception>
    public static void CheckDrainName(string name) => DrainedNames.Check(name);

    /// <summary>Takes that back.</summary>
    /// <param name="name">The name as it was given, in whatever spelling.</param>
    /// <returns>False where it was not drained.</returns>
    /// <exception cref="ArgumentException">It is no name, <c>*.name</c> or port.</exception>
    public bool RestoreName(string name) => Registry.Drained.Remove(name);

    /// <summary>
    /// Makes the relay work by other options from now on, whole or not at all. Links and clients that they still allow go on: a new certificate is
    /// shown to whoever comes next, a rate holds at once, and a bound ends nobody who is in. Grants of tokens that they do not allow any more are
    /// taken away at once, and so are links of devices whose certificate they do not.
    /// </summary>
    /// <param name="change">Makes the new options of those that hold now. It may be called under a lock: it asks this relay nothing.</param>
    /// <exception cref="FixedOptionException">One is another that cannot change while the relay runs: where it listens, its ports, its links' bounds, its capture, its name.</exception>
    /// <exception cref="InvalidOperationException">The relay has stopped; it would accept links from beyond this machine without a secret; or it would begin or cease to ask for tokens.</exception>
    /// <exception cref="ArgumentException">An option is out of range, does not go with the others, or a secured carrier would have no certificate.</exception>
    public void Change(Func<RelayOptions, RelayOptions> change)
    {
        lock (_changing)
        {
            if (_stop.IsDone)
            {
                throw new InvalidOperationException($"The relay {Name} has stopped.");
            }

            var current = _settings.Current;
            var next = change(current);
            RelayOptionsCheck.CheckChange(current, next);

            // All that may fail is done before anything changes.
            var handshakes = ReferenceEquals(current.Carrier, next.Carrier) ? [] : _listeners.ConvertAll(listener => (Listener: listener, Handshake: listener.Prepare(next.Reception)));
            _settings.Current = next;
            handshakes.ForEach(one => one.Listener.Use(one.Handshake));
            if (current.ExactNamesOnly != next.ExactNamesOnly)
            {
                Registry.Recount();
            }

            Fleet?.Revoke(current.RevokedTokenIds, next.RevokedTokenIds);
            Array.ForEach(Registry.Links, link => link.Recheck(namesChanged: current.ExactNamesOnly != next.ExactNamesOnly));
            EndDenied();
            _idle.Rearm();
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default) =>
        _stop.StopAsync(hurry => StopCoreAsync(drain, hurry), drain, cancellationToken);

    /// <summary>Opens the access log's path anew, for whoever has moved the file away. Nothing where there is no log.</summary>
    public void ReopenAccessLog() => _accessLog?.Reopen();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    internal void LinkWentUp(RelayLink link)
    {
        Meter.LinkOpened();
        _events.Raise(EventKind.LinkUp, Name, $"A device is connected over {link.Name}.");
    }

    /// <summary>A client of a link is over.</summary>
    internal void ClientEnded(IClientLink link, LinkClient client)
    {
        // One of datagrams has no other end: silence is no strike of a limit there.
        if (client is { IsDatagram: false, EndCode: ErrorCode.Idle })
        {
            LimitStruck(client, "client idle");
        }

        Meter.ClientEnded(client.Meta.Service, client.EndCode, _time.GetElapsedTime(client.Since));
        _records.Ended(client, link.Name);

        // Last: who sees that it is gone sees what it left.
        Admission.Leave(IPAddress.Parse(client.Meta.Address!), client.IsDatagram, client.Sink?.IsGuest == true);
    }

    internal void LimitStruck(LinkClient client, ClientThrottle.Limit limit) =>
        LimitStruck(client, limit == ClientThrottle.Limit.Client ? "client bytes per second" : "device bytes per second");

    /// <summary>A limit struck a client, or somebody who is none yet.</summary>
    internal void LimitStruck(LinkClient? client, string limit)
    {
        client?.NoteLimit(limit);
        _limited.Add(limit);
    }

    internal void LinkReported(RelayLink link, ControlReply error)
    {
        if (link.IsDevice)
        {
            _events.RaiseOfPeer(EventKind.PeerError, Name, $"The device at {link.Name} reports: {error.Message}", error.Code);
        }
    }

    /// <summary>Another relay of the fleet cannot be reached.</summary>
    internal void PeerFailed(string node, string reason) => _events.RaiseOfPeer(EventKind.PeerLost, Name, $"The relay {node} cannot be reached: {reason}");

    /// <summary>The link to another relay of the fleet has ended.</summary>
    internal void PeerLost(string node, string reason) => _events.RaiseOfPeer(EventKind.PeerLost, Name, $"The link to the relay {node} is lost: {reason}");

    /// <summary>Whoever came in where other relays do became no link.</summary>
    internal void PeerRefused(string reason) => _linksRefused.Add(reason);

    /// <summary>Brings a client of another relay to a device.</summary>
    internal Task BringAsync(HopGuest guest, bool isDraining, CancellationToken cancellationToken) => _clients.Fleet!.BringAsync(guest, isDraining, cancellationToken);

    /// <summary>A datagram between relays was dropped.</summary>
    internal void HopDatagramDropped() => DatagramDropped(null, DatagramDrop.Full);

    /// <summary>Ends a link that another has taken over from. Later: whoever asks holds its own link's lock.</summary>
    internal void Replace(RelayLink stale) => _tasks.Run(() =>
    {
        stale.Replace();
        return Task.CompletedTask;
    });

    /// <summary>A client of streams that was let in stays. One of datagrams may never be over by itself, and is let in anew with each of them.</summary>
    private void EndDenied()
    {
        if (_settings.Limits is { AllowedClients.Count: 0, DeniedClients.Count: 0 })
        {
            return;
        }

        foreach (var link in ClientLinks)
        {
            link.Connection.FailWhere(
                client => client.IsDatagram && Admission.Check(IPAddress.Parse(client.Meta.Address!)) is not null, ErrorCode.Stopped, "the relay does not allow its address any more");
        }
    }

    private void DatagramDropped(LinkClient? client, string reason)
    {
        _dropped.Add(reason);
        LimitStruck(client, reason);
    }

    private void Open()
    {
        if (_options.MetricsEndPoint is { } address)
        {
            _metrics = MetricsEndpoint.Start(address, Meter.Owner, _ledger, _time);
        }

        EngineMeter.Add(this);

        // All are bound before any is served: a relay is open whole, or not at all.
        foreach (var uri in _options.Listen)
        {
            _listeners.Add(CarrierListener.Open(uri, _options.Reception, reason => _linksRefused.Add(reason), Pending, _ledger, _time));
        }

        Fleet?.Open();
        Listen = _listeners.Select(listener => listener.Uri).ToArray();
        TcpPort = OpenPorts(_options.TcpPort, ClientPortKind.Tcp);
        TlsPort = OpenPorts(_options.TlsPort, ClientPortKind.Tls);
        HttpPort = OpenPorts(_options.HttpPort, ClientPortKind.Http);
        MixedPort = OpenPorts(_options.MixedPort, ClientPortKind.Mixed);
        UdpPort = OpenPorts(_options.UdpPort, ClientPortKind.Udp);
        DnsPort = OpenPorts(_options.DnsPort, ClientPortKind.Dns);
        _clients.HttpsPort = HttpsPort();
        foreach (var listener in _listeners)
        {
            _tasks.Run(() => listener.RunAsync(AcceptLink, _accepting.Token));
        }

        Fleet?.Start();
        foreach (var stream in _options.Streams)
        {
            AcceptLink(Carriers.Carrier.FromStream(stream, _time));
        }
    }

    private int[] OpenPorts(IReadOnlyList<int> ports, ClientPortKind kind) => [.. ports.Select(port => Ports.OpenOwn(port, kind))];

    /// <summary>Where https is: at its usual port, unless this relay has others only.</summary>
    private int HttpsPort() => TlsPort.Concat(MixedPort).ToArray() is [var first, ..] ports && !ports.Contains(UsualHttpsPort) ? first : UsualHttpsPort;

    /// <summary>Takes a device over a carrier that is up.</summary>
    internal void AcceptLink(Carrier carrier) => _tasks.Run(() => RunLinkAsync(carrier));

    private async Task RunLinkAsync(Carrier carrier)
    {
        var link = new RelayLink(this, _settings, carrier, _ledger, _time);
        await using (link.ConfigureAwait(false))
        {
            Registry.Add(link);
            _traffic.Add(link.Connection);
            Exception? end;
            string? refusal;
            try
            {
                end = await link.RunAsync(_stopping.Token).ConfigureAwait(false);
                refusal = CountEnd(link, end);
            }
            finally
            {
                Registry.Remove(link);
                _traffic.Remove(link.Connection);
            }

            // Last: who hears that a link is gone finds none, and who finds none finds what it counted.
            TellOfEnd(link, end, refusal);
        }
    }

    /// <summary>Why it never was a link; null where it was one, or ends with the relay.</summary>
    private string? CountEnd(RelayLink link, Exception? end)
    {
        if (link.IsDevice)
        {
            Meter.LinkEnded(end);
            return null;
        }

        if (_stopping.IsCancellationRequested)
        {
            return null;
        }

        var refusal = link.Connection.Carrier.Place?.IsGivenUp == true ? CarrierRefusal.TooMany
            : (end as LinkException)?.Code switch { ErrorCode.Timeout => NoGreeting, ErrorCode.InvalidToken => NoToken, _ => NoDevice };
        _linksRefused.Add(refusal);
        return refusal;
    }

    private void TellOfEnd(RelayLink link, Exception? end, string? refusal)
    {
        var code = (end as LinkException)?.Code;
        if (refusal is not null)
        {
            _events.RaiseOfPeer(EventKind.LinkRefused, Name, $"Whoever came from {link.Name} is no device: {end?.Message ?? refusal}", code);
        }
        else if (link.IsDevice)
        {
            _events.Raise(EventKind.LinkLost, Name, $"The device at {link.Name} is gone: {end?.Message ?? "it closed the link."}", code);
        }
    }

    private async Task StopCoreAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        await _accepting.CancelAsync().ConfigureAwait(false);
        Ports.Close();
        Fleet?.Drain();
        if (drain > TimeSpan.Zero)
        {
            var finished = Task.WhenAll(ClientLinks.Select(link => link.Connection.WhenFinishedAsync()));
            var draining = StopSwitch.DrainAsync(finished, drain, _time, cancellationToken);
            _events.Raise(EventKind.Draining, Name, "No new clients come.");
            if (Fleet is not null)
            {
                // A device with no client here comes to another relay the sooner.
                Array.ForEach(Registry.Links, link => _tasks.Run(link.LeaveWhenIdleAsync));
            }

            await draining.ConfigureAwait(false);
        }

        await _idle.DisposeAsync().ConfigureAwait(false);
        try
        {
            if (Fleet is not null)
            {
                await Fleet.StopAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await StopAllAsync().ConfigureAwait(false);
        }

        _events.Raise(EventKind.Stopped, Name, "Everything has ended.");
    }

    private async Task StopAllAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Ports.StopAsync().ConfigureAwait(false);
        foreach (var listener in _listeners)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            await _tasks.WhenEmptyAsync().ConfigureAwait(false);
        }
        finally
        {
            EngineMeter.Remove(this);
            if (Fleet is not null)
            {
                await Fleet.DisposeAsync().ConfigureAwait(false);
            }

            if (_metrics is not null)
            {
                await _metrics.DisposeAsync().ConfigureAwait(false);
            }

            if (_capture is not null)
            {
                await _capture.DisposeAsync().ConfigureAwait(false);
            }

            if (_accessLog is not null)
            {
                await _accessLog.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
