using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;

namespace MProxy.Engine.Fleet;

/// <summary>The links to other relays: one for each that has devices for this relay's clients, dialled when the first of them comes, and kept.</summary>
/// <param name="relay">The relay.</param>
/// <param name="settings">What it does.</param>
/// <param name="traffic">Where what moves is added up.</param>
/// <param name="tasks">Who waits for what is under way.</param>
/// <param name="ledger">Where sockets are noted.</param>
/// <param name="time">The clock.</param>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class Peers(RelayServer relay, RelaySettings settings, TrafficSum traffic, TaskSet tasks, ResourceLedger ledger, TimeProvider time)
{
    /// <summary>How long a relay that could not be reached is not dialled again.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private readonly HashSet<PeerLink> _links = [];

    private FleetOptions Options => settings.Current.Fleet!;

    /// <summary>The links there are, also those that get no new clients any more.</summary>
    public PeerLink[] Links
    {
        get
        {
            lock (_peers)
            {
                return [.. _links];
            }
        }
    }

    /// <summary>The link to a relay, where it is up.</summary>
    public PeerLink? Find(FleetNode node)
    {
        lock (_peers)
        {
            return _peers.TryGetValue(node.Name, out var peer) && peer.Address == node.Peer ? peer.Link : null;
        }
    }

    /// <summary>It could not be reached when it was last tried.</summary>
    public bool IsFailing(FleetNode node)
    {
        lock (_peers)
        {
            return _peers.TryGetValue(node.Name, out var peer) && peer.Address == node.Peer && peer.FailedAt != 0;
        }
    }

    /// <summary>The link to a relay; null where it cannot be reached. Nobody waits for one that could not be reached last time: it is tried, and who comes later has it.</summary>
    public async ValueTask<PeerLink?> GetAsync(FleetNode node, CancellationToken cancellationToken)
    {
        Task<PeerLink?> dialling;
        lock (_peers)
        {
            if (!_peers.TryGetValue(node.Name, out var peer) || peer.Address != node.Peer)
            {
                // Another process of that name: the link to the one before stays for the clients that it has.
                Retire(peer);
                _peers[node.Name] = peer = new Peer(node.Peer);
            }

            if (peer.Link is { } link)
            {
                return link;
            }

            var hasFailed = peer.FailedAt != 0;
            if (!hasFailed || time.GetElapsedTime(peer.FailedAt) >= RetryAfter)
            {
                Dial(node, peer);
            }

            if (hasFailed || peer.Dialling is null)
            {
                return null;
            }

            dialling = peer.Dialling.Task;
        }

        return await dialling.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tries those again that could not be reached, and are there as others say.</summary>
    public void Retry(IEnumerable<FleetNode> nodes)
    {
        lock (_peers)
        {
            foreach (var node in nodes)
            {
                if (_peers.TryGetValue(node.Name, out var peer) && peer is { Link: null, FailedAt: not 0 } && peer.Address == node.Peer && time.GetElapsedTime(peer.FailedAt) >= RetryAfter)
                {
                    Dial(node, peer);
                }
            }
        }
    }

    /// <summary>Ends all links.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    private static void Retire(Peer? peer)
    {
        if (peer?.Link is { } link)
        {
            peer.Link = null;
            _ = link.Connection.WhenIdleAsync().ContinueWith(static (_, link) => ((PeerLink)link!).Close(), link, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>With the lock held. Once at a time for each relay.</summary>
    private void Dial(FleetNode node, Peer peer)
    {
        if (peer.Dialling is null && !_stopping.IsCancellationRequested)
        {
            peer.Dialling = new TaskCompletionSource<PeerLink?>(TaskCreationOptions.RunContinuationsAsynchronously);
            tasks.Run(() => DialAsync(node, peer, peer.Dialling));
        }
    }

    private async Task DialAsync(FleetNode node, Peer peer, TaskCompletionSource<PeerLink?> dialling)
    {
        PeerLink? link = null;
        string? failure = null;
        try
        {
            link = await ConnectAsync(node, peer).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            failure = "it does not answer in time";
        }
        catch (Exception error) when (error is IOException or ArgumentException or FormatException)
        {
            failure = error.Message;
        }
        finally
        {
            lock (_peers)
            {
                peer.Dialling = null;
                peer.FailedAt = link is null ? time.GetTimestamp() : 0;
            }

            dialling.TrySetResult(link);
        }

        if (failure is not null && !_stopping.IsCancellationRequested)
        {
            relay.PeerFailed(node.Name, failure);
        }
    }

    private async Task<PeerLink?> ConnectAsync(FleetNode node, Peer peer)
    {
        using var patience = new Patience(Options.HopTimeout, time, _stopping.Token);
        var dial = new DialOptions { ClientCertificate = Options.PeerCertificate, Thumbprint = Options.Thumbprints, PrefersSpeed = true, NoProxy = true };
        var carrier = await CarrierDialer.DialAsync(CarrierUri.Parse(node.Peer), dial, ledger, time, patience.Token).ConfigureAwait(false);
        var link = new PeerLink(relay, settings, node.Name, carrier, ledger, time);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tasks.Run(() => RunAsync(link, peer, ended));
        try
        {
            await Task.WhenAny(link.Up, ended.Task).WaitAsync(patience.Token).ConfigureAwait(false);
            var reply = await link.Connection.RequestAsync(PeerLink.Introduction, Options.NodeName, node.Name).WaitAsync(patience.Token).ConfigureAwait(false);
            if (!reply.Success)
            {
                throw new LinkException($"The relay at {node.Peer} refuses this one: {reply.Message}", code: reply.Code);
            }

            lock (_peers)
            {
                // It may have ended in this very moment.
                return peer.Link = ended.Task.IsCompleted ? null : link;
            }
        }
        catch
        {
            // Whoever runs it disposes of it.
            link.Close();
            throw;
        }
    }

    private async Task RunAsync(PeerLink link, Peer peer, TaskCompletionSource ended)
    {
        await using (link.ConfigureAwait(false))
        {
            lock (_peers)
            {
                _links.Add(link);
            }

            traffic.Add(link.Connection);
            var end = await link.RunAsync(_stopping.Token).ConfigureAwait(false);
            ended.TrySetResult();
            bool wasUp;
            lock (_peers)
            {
                _links.Remove(link);
                wasUp = peer.Link == link;
                peer.Link = wasUp ? null : peer.Link;
            }

            traffic.Remove(link.Connection);
            if (wasUp && !_stopping.IsCancellationRequested)
            {
                relay.PeerLost(link.Node, end?.Message ?? "it closed the link");
            }
        }
    }

    /// <summary>One other relay.</summary>
    private sealed class Peer(string address)
    {
        /// <summary>Where it is reached: at another place it is another process.</summary>
        public string Address => address;

        public PeerLink? Link { get; set; }

        public TaskCompletionSource<PeerLink?>? Dialling { get; set; }

        /// <summary>When it could not be reached, as a timestamp; 0 where it could.</summary>
        public long FailedAt { get; set; }
    }
}
