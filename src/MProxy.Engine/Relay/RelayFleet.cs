using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Carriers;
using MProxy.Engine.Events;
using MProxy.Engine.Fleet;
using MProxy.Engine.Link;
using MProxy.Engine.Metrics;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>What a relay does as one of a fleet: tells others what it serves, takes their clients to its devices, and its own to theirs.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class RelayFleet : IFleetWatcher, IFleetHost
{
    /// <summary>Shorter than a link that is silent is probed by itself, and longer than any way takes that people work over.</summary>
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(4);

    private readonly RelayServer _relay;
    private readonly RelaySettings _settings;
    private readonly FleetOptions _options;
    private readonly EventFeed _events;
    private readonly TaskSet _tasks;
    private readonly ResourceLedger _ledger;
    private readonly TimeProvider _time;
    private readonly string _givenTcpPorts;
    private readonly string _givenUdpPorts;
    private readonly RouteCounts _routes;
    private readonly IFleetDirectory _directory;
    private readonly FleetMember _member;
    private readonly RouteFinder _finder;
    private readonly Peers _peers;
    private readonly TaskSet _membership;
    private readonly CancellationTokenSource _leaving = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly WaitingRoom _pending = new(static () => (256, 64));
    private readonly FleetPorts _ports;
    private readonly FleetRevocations _revocations;
    private readonly ClaimSync _claims;
    private readonly ClientsElsewhere _elsewhere;
    private int _isSyncing;
    private volatile bool _isRevokedDue;
    private CarrierListener? _listener;
    private volatile bool _isDraining;

    /// <exception cref="FleetDirectoryException">The part that knows such a directory cannot be loaded.</exception>
    public RelayFleet(RelayServer relay, RelaySettings settings, RouteCounts routes, EventFeed events, TrafficSum traffic, TaskSet tasks, ResourceLedger ledger, TimeProvider time)
    {
        (_relay, _settings, _routes, _events, _tasks, _ledger, _time) = (relay, settings, routes, events, tasks, ledger, time);
        _options = settings.Current.Fleet!;
        _membership = new TaskSet(ledger);
        _givenTcpPorts = PortRanges.Write(settings.Current.GrantedPort);
        _givenUdpPorts = PortRanges.Write(settings.Current.GrantedUdpPort);
        _directory = FleetLibrary.Open(_options.Directory, this, time);
        _member = new FleetMember(_options, _directory, routes, DescribeBeat, this, time);
        _peers = new Peers(relay, settings, traffic, tasks, ledger, time);
        _ports = relay.Ports.Fleet = new FleetPorts(settings.Current, _member, routes, relay.Ports, reason => events.Raise(EventKind.PeerError, relay.Name, reason));
        _elsewhere = new ClientsElsewhere(settings, relay.Admission, relay.Registry);
        relay.Admission.Elsewhere = _elsewhere;
        _revocations = new FleetRevocations(_directory, all =>
        {
            settings.RevokedInFleet = all;
            Array.ForEach(relay.Registry.Links, link => link.Recheck(namesChanged: false));
        });
        _revocations.Change([], settings.Current.RevokedTokenIds);
        _claims = new ClaimSync(_directory, _options.NodeName, relay.Replace, Probe, () => _member.NextBeat, time);
        _finder = new RouteFinder(_directory, _member, node => _peers.IsFailing(node) ? int.MaxValue : node.Clients + (_peers.Find(node)?.OpenedSince(node) ?? 0), time);
    }

    /// <summary>Where other relays come in, with the port that is really open.</summary>
    public CarrierUri PeerListen => _listener?.Uri ?? _options.PeerListen;

    /// <summary>The links that take this relay's clients to other relays.</summary>
    public PeerLink[] Links => _peers.Links;

    /// <summary>The devices that have a link here, by the ids of their tokens.</summary>
    public DeviceClaims<RelayLink> Claims => _claims.Held;

    /// <summary>What datagrams may hold while they wait.</summary>
    public DatagramBudget DatagramBudget { get; } = new(DatagramBudget.OfAll);

    /// <summary>The directory knows all that this relay serves. Tests wait for it.</summary>
    public bool IsSettled => _member.Generation > 0 && _routes.IsTold;

    /// <summary>All relays of the fleet, as last seen, by name.</summary>
    public IReadOnlyList<FleetRelay> Relays
    {
        get
        {
            var all = _member.Nodes.ToDictionary(entry => entry.Node.Name, StringComparer.Ordinal);
            all[_options.NodeName] = (Describe() with { Name = _options.NodeName, Generation = _member.Generation }, true);
            return [.. all.Values.OrderBy(entry => entry.Node.Name, StringComparer.Ordinal).Select(entry => ToRelay(entry.Node, entry.IsThere))];
        }
    }

    /// <summary>How many relays of the fleet stand where, this one among them.</summary>
    public IReadOnlyDictionary<string, long> CountByState()
    {
        var counts = Enum.GetValues<FleetState>().ToDictionary(state => $"{state}", _ => 0L);
        counts[$"{(_isDraining ? FleetState.Draining : FleetState.Up)}"]++;
        foreach (var (node, isThere) in _member.Nodes.Where(entry => entry.Node.Name != _options.NodeName))
        {
            counts[$"{StateOf(node, isThere)}"]++;
        }

        return counts;
    }

    /// <summary>Opens the port for other relays.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">It cannot be had.</exception>
    public void Open()
    {
        var reception = new ListenOptions
        {
            Certificate = _options.PeerCertificate,
            CertificateChain = _options.PeerCertificateChain,
            ClientThumbprint = _options.Thumbprints,
            HandshakeTimeout = _options.HopTimeout,
        };
        _listener = CarrierListener.Open(_options.PeerListen, reception, reason => _relay.PeerRefused(reason), _pending, _ledger, _time);
    }

    /// <summary>Lets other relays in, and joins the fleet. Does not wait for the directory.</summary>
    public void Start()
    {
        _tasks.Run(() => _listener!.RunAsync(carrier => _tasks.Run(() => TakeAsync(carrier)), _stopping.Token));
        _membership.Run(() => _member.BeatAsync(_leaving.Token));
        _membership.Run(() => _member.TellAsync(_leaving.Token));
        _membership.Run(() => _claims.RunAsync(_leaving.Token));
    }

    /// <summary>Other relays whose devices' grants name a client as closely as asked for, and most closely of those.</summary>
    public ValueTask<IReadOnlyList<HopPlace>> FindAsync(in FrameMeta client, ClosenessRange range, CancellationToken cancellationToken) =>
        _finder.FindAsync(client, range, isFresh: false, cancellationToken);

    /// <summary>The same by what is known already; null where the directory has to be asked first.</summary>
    public IReadOnlyList<HopPlace>? TryFind(in FrameMeta client, ClosenessRange range) => _finder.TryFind(client, range);

    /// <summary>The link to another relay, where it is up.</summary>
    public PeerLink? LinkTo(FleetNode node) => _peers.Find(node);

    /// <summary>Brings that up. False where it cannot be.</summary>
    public async Task<bool> TryDialAsync(FleetNode node, CancellationToken cancellationToken) => await _peers.GetAsync(node, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Takes a client to another relay.</summary>
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="places">Where it may go, the first first.</param>
    /// <param name="join">Makes its end at this side, when it is taken.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Why none took it; null where it is there.</returns>
    public async Task<ClientRefusal?> ForwardAsync(FrameMeta meta, IReadOnlyList<HopPlace> places, Func<IClientLink, ClientJoin> join, CancellationToken cancellationToken)
    {
        HashSet<string> tried = [];
        ClientRefusal? refusal = null;
        for (var isFresh = false; places.Count > 0; isFresh = true)
        {
            foreach (var place in places.Where(place => tried.Add(place.Node.Name)))
            {
                refusal = await TryForwardAsync(meta, place.Node, join, cancellationToken).ConfigureAwait(false);
                if (refusal is null || refusal == ClientRefusal.Closing)
                {
                    return refusal;
                }
            }

            if (isFresh)
            {
                break;
            }

            // What was known of them may be old: the device may have moved a moment ago.
            places = await _finder.FindAsync(meta, new ClosenessRange(places[0].Closeness, places[0].Closeness + 1), isFresh: true, cancellationToken).ConfigureAwait(false);
        }

        return refusal ?? ClientRefusal.NoDevice;
    }

    /// <summary>No new clients come: other relays are to send theirs elsewhere.</summary>
    public void Drain()
    {
        _isDraining = true;
        _routes.Close();
        _member.Hurry();
    }

    /// <summary>The operator refuses other ids of tokens than before: so does the whole fleet.</summary>
    public void Revoke(IEnumerable<string> before, IEnumerable<string> after)
    {
        _revocations.Change(before, after);
        _member.Hurry();
    }

    /// <summary>How many clients a device has at other relays, as far as that counts.</summary>
    public int ClientsElsewhere(IEnumerable<string> ids) => _elsewhere.OfDevice(ids);

    /// <summary>How many clients an address has at other relays, as far as that counts.</summary>
    public int ClientsOf(System.Net.IPAddress address) => _elsewhere.OfAddress(AddressKey.Of(address));

    /// <summary>Leaves the fleet.</summary>
    public async Task StopAsync()
    {
        Drain();
        try
        {
            await _leaving.CancelAsync().ConfigureAwait(false);
            await _membership.WhenEmptyAsync().ConfigureAwait(false);
            await _member.LeaveAsync().ConfigureAwait(false);
        }
        finally
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
            await _peers.StopAsync().ConfigureAwait(false);
            if (_listener is not null)
            {
                await _listener.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>What is held of the directory is given back. When nothing runs any more.</summary>
    public ValueTask DisposeAsync() => _directory.DisposeAsync();

    /// <summary>Another relay has no device for a client that it was said to have.</summary>
    public void WasMistaken(in FrameMeta client) => _finder.WasMistaken(client);

    /// <summary>A datagram between relays cannot go on.</summary>
    public void DatagramDropped() => _relay.HopDatagramDropped();

    void IFleetWatcher.RouteChanged(string key) => _finder.Changed(key);

    void IFleetWatcher.ChangesMissed() => _finder.Expire();

    void IFleetWatcher.DeviceClaimed(DeviceClaim claim) => _claims.Heard(claim);

    void IFleetHost.Beaten(bool isAnew, long revokedVersion)
    {
        FleetNode[] others = [.. _member.Nodes.Where(entry => entry.IsThere && entry.Node.Name != _options.NodeName).Select(entry => entry.Node)];
        _elsewhere.Take(others);
        _peers.Retry(others);
        _membership.Run(() => SyncRevokedAsync(revokedVersion, isAnew, _leaving.Token));
        if (!_isDraining)
        {
            _ports.Follow();
        }

        if (isAnew)
        {
            _claims.Held.TellAll();
        }
    }

    void IFleetHost.DirectoryLost(string reason) =>
        _events.Raise(EventKind.DirectoryLost, _relay.Name, $"The directory {_options.Directory} cannot be reached: {reason}. What is known goes on working, and it is tried again each second.");

    void IFleetHost.DirectoryFound()
    {
        _finder.Expire();
        _events.Raise(EventKind.DirectoryFound, _relay.Name, $"The relay is in the fleet of {_options.Directory} as {_options.NodeName}.");
    }

    void IFleetHost.Renew(Func<string, bool> isDue) => _claims.Held.Renew(isDue);

    /// <summary>A device may have gone elsewhere while this process stood still: links that are dead must not stand for it.</summary>
    void IFleetHost.WasAway() => Array.ForEach(_relay.Registry.Links, Probe);

    void IFleetHost.Superseded() =>
        _events.Raise(EventKind.DirectoryLost, _relay.Name, $"Another relay has joined the fleet as {_options.NodeName}: this one serves its own clients alone, until it is started under a name of its own.");

    /// <summary>What one beat could not bring about, the next does.</summary>
    private async Task SyncRevokedAsync(long version, bool isAnew, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isSyncing, 1) == 1)
        {
            return;
        }

        _isRevokedDue |= isAnew;
        try
        {
            await _revocations.SyncAsync(version, _isRevokedDue, cancellationToken).ConfigureAwait(false);
            _isRevokedDue = false;
        }
        catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
        {
        }
        finally
        {
            Interlocked.Exchange(ref _isSyncing, 0);
        }
    }

    /// <summary>Asks a device for a sign of life.</summary>
    private void Probe(RelayLink link) => _tasks.Run(() => link.Connection.ProbeAsync(ProbePatience));

    /// <summary>The same with what is said once.</summary>
    private FleetNode DescribeBeat() => Describe() with { NewClients = _elsewhere.SayNewClients() };

    private FleetNode Describe() => new()
    {
        Name = _options.NodeName,
        Peer = $"{(_options.PeerAddress is { } address ? address.Port == 0 ? address with { Port = PeerListen.Port } : address : PeerListen)}",
        Version = EngineMeter.Meter.Version ?? "",
        Links = _relay.LinkCount,
        Clients = _relay.ClientCount,
        TcpPorts = PortRanges.Write(_routes.Ports.Where(port => !port.IsUdp).Select(port => port.Port)),
        UdpPorts = PortRanges.Write(_routes.Ports.Where(port => port.IsUdp).Select(port => port.Port)),
        GivenTcpPorts = _givenTcpPorts,
        GivenUdpPorts = _givenUdpPorts,
        Addresses = _elsewhere.AddressesHere(),
        Devices = _elsewhere.DevicesHere(),
        IsDraining = _isDraining,
    };

    private static FleetState StateOf(FleetNode node, bool isThere) => !isThere ? FleetState.Lost : node.IsDraining ? FleetState.Draining : FleetState.Up;

    private FleetRelay ToRelay(FleetNode node, bool isThere)
    {
        var link = _peers.Find(node);
        return new FleetRelay(
            _relay.Name,
            node.Name,
            node.Name == _options.NodeName,
            StateOf(node, isThere),
            node.Links,
            node.Clients,
            link?.Connection.ClientCount ?? 0,
            PlainText.Of(node.Peer),
            link?.Connection.RoundTrip,
            PlainText.Of(node.Version),
            node.Generation);
    }

    private async Task<ClientRefusal?> TryForwardAsync(FrameMeta meta, FleetNode node, Func<IClientLink, ClientJoin> join, CancellationToken cancellationToken)
    {
        using var patience = new Patience(_options.HopTimeout, _time, cancellationToken);
        try
        {
            for (; ; )
            {
                if (await _peers.GetAsync(node, patience.Token).ConfigureAwait(false) is not { } link)
                {
                    return ClientRefusal.Unreachable;
                }

                switch (link.TryOpen(meta, join(link), waits: true, out var forwarded))
                {
                    case OpenResult.Opened:
                        return RefusalOf(await forwarded!.WaitAsync(patience.Token).ConfigureAwait(false));
                    case OpenResult.HeldBack:
                        await link.Connection.WhenReleased(meta).WaitAsync(patience.Token).ConfigureAwait(false);
                        continue;
                    case OpenResult.Duplicate:
                        return ClientRefusal.Duplicate;
                    default:
                        return ClientRefusal.Unreachable;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ClientRefusal.Unreachable;
        }
        catch (FrameFieldException)
        {
            return ClientRefusal.NameTooLong;
        }
    }

    /// <summary>What another relay said, in words of this one.</summary>
    private static ClientRefusal? RefusalOf(string? code) => code switch
    {
        null => null,
        ErrorCode.NoDevice => ClientRefusal.NoDevice,
        ErrorCode.Busy => ClientRefusal.DevicesFull,
        ErrorCode.Duplicate => ClientRefusal.Duplicate,
        ErrorCode.NotGranted => ClientRefusal.Denied,

        // By the operator, while it waited: it goes nowhere else.
        ErrorCode.Stopped => ClientRefusal.Closing,
        _ => ClientRefusal.Unreachable,
    };

    private async Task TakeAsync(Carrier carrier)
    {
        var guests = new PeerGuests(this, _options, guest => _relay.BringAsync(guest, _isDraining, _stopping.Token), carrier, _tasks, _ledger, _time);
        await using (guests.ConfigureAwait(false))
        {
            await guests.Connection.RunAsync(_stopping.Token).ConfigureAwait(false);
        }
    }
}
