using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Fleet;

/// <summary>The links to other relays: one for each that has devices for this relay's clients, dialled when the first of them comes, and kept.</summary>
/// <param name="relay">The relay.</param>
/// <param name="settings">What it does.</param>
/// <param name="tasks">Who waits for what is under way.</param>
/// <param name="ledger">Where sockets are noted.</param>
/// <param name="time">The clock.</param>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class Peers(RelayServer relay, RelaySettings settings, TaskSet tasks, ResourceLedger ledger, TimeProvider time)
{
    /// <summary>How long a relay that could not be reached is not dialled again: its clients would all wait for that.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private readonly TrafficSum _traffic = new();

    private FleetOptions Options => settings.Current.Fleet!;

    /// <summary>The links that are up.</summary>
    public PeerLink[] Links
    {
        get
        {
            lock (_peers)
            {
                return [.. _peers.Values.Select(peer => peer.Link).OfType<PeerLink>()];
            }
        }
    }

    /// <summary>The link to a relay, where it is up.</summary>
    public PeerLink? Find(string node)
    {
        lock (_peers)
        {
            return _peers.GetValueOrDefault(node)?.Link;
        }
    }

    /// <summary>The link to a relay; null where it cannot be reached.</summary>
    public async ValueTask<PeerLink?> GetAsync(FleetNode node, CancellationToken cancellationToken)
    {
        Task<PeerLink?> dialling;
        lock (_peers)
        {
            if (!_peers.TryGetValue(node.Name, out var peer))
            {
                _peers[node.Name] = peer = new Peer();
            }

            if (peer.Link is { } link)
            {
                return link;
            }

            if (peer.FailedAt != 0 && time.GetElapsedTime(peer.FailedAt) < RetryAfter)
            {
                return null;
            }

            dialling = peer.Dialling ??= DialAsync(node, peer);
        }

        return await dialling.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends all links.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    private async Task<PeerLink?> DialAsync(FleetNode node, Peer peer)
    {
        // Not with the lock held.
        await Task.Yield();
        PeerLink? link = null;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var timeout = time.CreateTimer(_ => patience.Cancel(), null, Options.HopTimeout, Timeout.InfiniteTimeSpan);
        await using var stopTimeout = timeout.ConfigureAwait(false);
        try
        {
            var dial = new DialOptions { ClientCertificate = Options.PeerCertificate, Thumbprint = Options.Thumbprints, PrefersSpeed = true };
            var carrier = await CarrierDialer.DialAsync(CarrierUri.Parse(node.Peer), dial, ledger, time, patience.Token).ConfigureAwait(false);
            link = new PeerLink(relay, settings, node.Name, carrier, ledger, time);
            var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            tasks.Run(() => RunAsync(link, peer, running));
            await (await Task.WhenAny(link.Up, running.Task).WaitAsync(patience.Token).ConfigureAwait(false)).ConfigureAwait(false);
            var reply = await link.Connection.RequestAsync(PeerLink.Introduction, Options.NodeName, node.Name).WaitAsync(patience.Token).ConfigureAwait(false);
            if (!reply.Success)
            {
                throw new LinkException($"The relay at {node.Peer} refuses this one: {reply.Message}", code: reply.Code);
            }

            lock (_peers)
            {
                // It may have ended in this very moment.
                peer.Link = running.Task.IsCompleted ? null : link;
                return peer.Link;
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ArgumentException or FormatException)
        {
            if (link is not null)
            {
                await link.DisposeAsync().ConfigureAwait(false);
            }

            lock (_peers)
            {
                peer.FailedAt = time.GetTimestamp();
            }

            if (!_stopping.IsCancellationRequested)
            {
                relay.PeerFailed(node.Name, error is OperationCanceledException ? "it does not answer in time" : error.Message);
            }

            return null;
        }
        finally
        {
            lock (_peers)
            {
                peer.Dialling = null;
            }
        }
    }

    private async Task RunAsync(PeerLink link, Peer peer, TaskCompletionSource ended)
    {
        await using (link.ConfigureAwait(false))
        {
            _traffic.Add(link.Connection);
            var end = await link.Connection.RunAsync(_stopping.Token).ConfigureAwait(false);
            ended.TrySetResult();
            bool wasUp;
            lock (_peers)
            {
                wasUp = peer.Link == link;
                peer.Link = wasUp ? null : peer.Link;
            }

            _traffic.Remove(link.Connection);
            if (wasUp && !_stopping.IsCancellationRequested)
            {
                relay.PeerLost(link.Node, end?.Message ?? "it closed the link");
            }
        }
    }

    /// <summary>One other relay.</summary>
    private sealed class Peer
    {
        public PeerLink? Link { get; set; }

        public Task<PeerLink?>? Dialling { get; set; }

        /// <summary>When it could not be reached, as a timestamp; 0 for never.</summary>
        public long FailedAt { get; set; }
    }
}
