using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Protocol;

namespace MProxy.Engine.Fleet;

/// <summary>The link that takes this relay's clients to another relay, which has their devices. It brings none: the other relay has a link of its own for that.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class PeerLink : ILinkHost, IClientLink, IAsyncDisposable
{
    /// <summary>Says who dials, and whom it wants: an address may be another relay's by now.</summary>
    public const string Introduction = "peer";

    private readonly RelayServer _relay;
    private readonly TimeProvider _time;
    private readonly LinkRates _rates;
    private readonly CancellationTokenSource _closing = new();
    private FleetNode? _seen;
    private int _opened;
    private readonly TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PeerLink(RelayServer relay, RelaySettings settings, string node, Carrier carrier, ResourceLedger ledger, TimeProvider time)
    {
        _relay = relay;
        _time = time;
        Node = node;
        Name = $"relay {node}";
        _rates = new LinkRates(settings, relay.LimitStruck, time, isOfDevice: false);
        Connection = new LinkConnection(LinkRole.Relay, carrier, Options(settings.Current.Fleet!), this, ledger, time, tap: settings.Current.Capture?.Tap(Name));
    }

    /// <summary>The other relay, by its name in the fleet.</summary>
    public string Node { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public LinkConnection Connection { get; }

    /// <summary>Done when both sides have greeted.</summary>
    public Task Up => _up.Task;

    /// <summary>What holds for links between relays: they carry the clients of many devices, and their end is to be known soon.</summary>
    public static LinkOptions Options(FleetOptions options) => new()
    {
        HighMark = 512 << 10,
        LowMark = 128 << 10,
        LinkBudget = 1L << 30,
        ProbeAfter = options.HopTimeout,
        ProbeTimeout = options.HopTimeout,
        RequestTimeout = options.HopTimeout,
    };

    /// <inheritdoc/>
    public (ClientThrottle Up, ClientThrottle Down) NewThrottles(LinkClient client) => _rates.Throttle(client);

    /// <summary>Brings a client there.</summary>
    /// <param name="meta">Who it is, and what it is for.</param>
    /// <param name="join">Makes its end at this side.</param>
    /// <param name="waits">Only when the other relay has taken it; else at once.</param>
    /// <param name="forwarded">The client, where it waits.</param>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public OpenResult TryOpen(in FrameMeta meta, ClientJoin join, bool waits, out ForwardedClient? forwarded)
    {
        ForwardedClient? waiting = null;
        var result = Connection.TryOpen(meta, int.MaxValue, static _ => true, (link, client) =>
            waits ? (waiting = new ForwardedClient(link, client, join), null) : join(link, client));
        forwarded = waiting;
        if (result == OpenResult.Opened)
        {
            Interlocked.Increment(ref _opened);
        }

        return result;
    }

    /// <summary>Runs until the other relay closes it, it is closed here, or <paramref name="cancellationToken"/> is cancelled.</summary>
    public async Task<Exception?> RunAsync(CancellationToken cancellationToken)
    {
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        return await Connection.RunAsync(closing.Token).ConfigureAwait(false);
    }

    /// <summary>Ends it. Whoever runs it disposes of it then.</summary>
    public void Close() => _ = _closing.CancelAsync();

    /// <summary>How many clients were brought there since the other relay last said how many it has.</summary>
    public int OpenedSince(FleetNode node)
    {
        if (!ReferenceEquals(Interlocked.Exchange(ref _seen, node), node))
        {
            Interlocked.Exchange(ref _opened, 0);
        }

        return Volatile.Read(ref _opened);
    }

    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    void ILinkHost.Opened(LinkConnection link, LinkClient client) => link.Fail(client, ErrorCode.BadCommand, "a relay brings its clients over a link of its own");

    void ILinkHost.Ended(LinkConnection link, LinkClient client)
    {
        // One that was not taken is no client of this link, and may be one of another.
        if (client.Sink is not ForwardedClient)
        {
            // Datagrams do not wait for word: this is it.
            if (client.EndCode == ErrorCode.NoDevice)
            {
                _relay.Fleet!.WasMistaken(client.Meta);
            }

            _relay.ClientEnded(this, client);
        }
    }

    void ILinkHost.Answered(LinkConnection link, LinkClient client) => _relay.Meter.FirstByte(client.Meta.Service, _time.GetElapsedTime(client.Since));

    void ILinkHost.WentUp(LinkConnection link) => _up.TrySetResult();

    void ILinkHost.Measured(LinkConnection link, TimeSpan roundTrip)
    {
    }

    bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command) => false;

    void ILinkHost.Reported(LinkConnection link, ControlReply error)
    {
    }
}
