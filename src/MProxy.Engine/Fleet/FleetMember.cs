using System.Threading.Channels;

namespace MProxy.Engine.Fleet;

/// <summary>
/// A relay's place in its fleet: renews the lease, tells the directory what the relay serves, and knows the other relays. Nothing waits for it: where
/// the directory is gone it tries again with each beat, and what was known of others stays.
/// </summary>
/// <param name="options">Lease and beat.</param>
/// <param name="directory">The directory.</param>
/// <param name="routes">What the relay serves.</param>
/// <param name="describe">What the relay says of itself now.</param>
/// <param name="host">Who is told how it stands.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetMember(FleetOptions options, IFleetDirectory directory, RouteCounts routes, Func<FleetNode> describe, IFleetHost host, TimeProvider time)
{
    // Told at once and waited for together.
    private const int BatchLength = 500;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<bool> _hurry = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile Dictionary<string, (FleetNode Node, long Until)> _nodes = [];
    private Dictionary<string, (FleetNode Node, long Until)> _unheard = [];
    private volatile TaskCompletionSource _nextBeat = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RenewalTurns _renewals = new(time);
    private long _generation;
    private bool _wasAway;
    private bool _isSuperseded;
    private bool _isLost;
    private bool _isRefused;
    private volatile bool _isUp;

    /// <summary>The directory answered last time.</summary>
    public bool IsDirectoryUp => _isUp;

    /// <summary>Which of its name this relay is now; 0 before it has joined.</summary>
    public long Generation => Interlocked.Read(ref _generation);

    /// <summary>Done when the directory has answered the next time.</summary>
    public Task NextBeat => _nextBeat.Task;

    /// <summary>The relays of the fleet as last seen, with whether their leases hold. Where the directory cannot be asked, nobody knows better: they do.</summary>
    public IReadOnlyList<(FleetNode Node, bool IsThere)> Nodes
    {
        get
        {
            var now = time.GetTimestamp();
            return [.. _nodes.Values.Select(entry => (entry.Node, !_isUp || entry.Until > now))];
        }
    }

    /// <summary>Another relay that may take clients; null where there is none of that name.</summary>
    public FleetNode? Find(string name) =>
        name != options.NodeName && _nodes.TryGetValue(name, out var entry) && !entry.Node.IsDraining && (!_isUp || entry.Until > time.GetTimestamp()) ? entry.Node : null;

    /// <summary>What the relay says of itself has changed: others are to know at once.</summary>
    public void Hurry() => _hurry.Writer.TryWrite(true);

    /// <summary>Renews the lease until it is cancelled.</summary>
    public async Task BeatAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var since = time.GetTimestamp();
            await TryBeatAsync(cancellationToken).ConfigureAwait(false);
            NoteAbsence(since, options.Lease + AnswerTimeout);
            if (_renewals.Next() is { } isDue)
            {
                routes.Renew(isDue);
                host.Renew(isDue);
            }

            since = time.GetTimestamp();
            await WaitAsync(cancellationToken).ConfigureAwait(false);
            NoteAbsence(since, options.Lease);
        }
    }

    /// <summary>Tells the directory what the relay serves, whenever that changes, until it is cancelled.</summary>
    public async Task TellAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (; ; )
            {
                await routes.WaitAsync(cancellationToken).ConfigureAwait(false);
                while (!await TryTellAsync(cancellationToken).ConfigureAwait(false))
                {
                    await NextBeat.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>The relay is gone: the directory forgets it, where it can be reached.</summary>
    public async Task LeaveAsync()
    {
        if (_isUp && !_isSuperseded && Generation > 0)
        {
            using var patience = new CancellationTokenSource(AnswerTimeout);
            try
            {
                await TryTellAsync(patience.Token).ConfigureAwait(false);
                await directory.LeaveAsync(Self(), patience.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
            {
                // Its lease runs out.
            }
        }
    }

    private FleetNode Self() => describe() with { Name = options.NodeName, Generation = Generation };

    /// <summary>Nothing takes that long: whoever comes back behind such a time has been stopped, and others have gone on. Kept until the directory knows.</summary>
    private void NoteAbsence(long since, TimeSpan most) => _wasAway |= Generation > 0 && time.GetElapsedTime(since) >= most;

    private async Task TryBeatAsync(CancellationToken cancellationToken)
    {
        using var patience = new Patience(AnswerTimeout, time, cancellationToken);
        try
        {
            // Where one stood still, another may have come in its place: asked as who it was, it hears of that.
            var wasAway = _wasAway;
            var beat = await AskAsync(Self(), patience.Token).ConfigureAwait(false);
            if (wasAway && beat.Standing != FleetStanding.Superseded)
            {
                beat = await AskAsync(Self() with { Generation = 0 }, patience.Token).ConfigureAwait(false);
            }

            _wasAway = false;
            Take(beat, wasAway);
        }
        catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
        {
            // Cut short by the relay's own end, it says nothing of the directory, which is still to be left.
            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            _isUp = false;

            // At first it may look as if it did not answer.
            var isRefusal = error is FleetDirectoryException { IsRefusal: true };
            if (!_isLost || (isRefusal && !_isRefused))
            {
                (_isLost, _isRefused) = (true, isRefusal);
                host.DirectoryLost(error is FleetDirectoryException ? error.Message : "it does not answer in time");
            }
        }
    }

    private Task<FleetBeat> AskAsync(FleetNode self, CancellationToken cancellationToken) =>
        directory.BeatAsync(self, options.Lease, cancellationToken);

    private void Take(FleetBeat beat, bool wasAway)
    {
        var now = time.GetTimestamp();
        var nodes = beat.Nodes.ToDictionary(entry => entry.Node.Name, entry => (entry.Node, Until: now + (long)(entry.LeaseLeft.TotalSeconds * time.TimestampFrequency)), StringComparer.Ordinal);
        if ((beat.Standing == FleetStanding.New || !_isUp) && !wasAway)
        {
            // One that comes back, or has forgotten this relay, has not heard of the others either, who are about to tell it the same: they count as there
            // for a lease more. Whoever is not finds out by dialling them.
            var until = now + (long)(options.Lease.TotalSeconds * time.TimestampFrequency);
            _unheard = _nodes.ToDictionary(entry => entry.Key, entry => (entry.Value.Node, until), StringComparer.Ordinal);
        }

        foreach (var (name, entry) in _unheard.Where(entry => entry.Value.Until > now))
        {
            if (!nodes.TryGetValue(name, out var told) || (told.Node.Generation == entry.Node.Generation && told.Until < entry.Until))
            {
                nodes[name] = (told.Node ?? entry.Node, entry.Until);
            }
        }

        _nodes = nodes;
        if (beat.Standing == FleetStanding.Superseded)
        {
            if (!_isSuperseded)
            {
                _isSuperseded = true;
                host.Superseded();
            }
        }
        else
        {
            Interlocked.Exchange(ref _generation, beat.Generation);
        }

        var wasUp = _isUp;
        _isUp = true;
        var isAnew = beat.Standing == FleetStanding.New || !wasUp;
        if (isAnew)
        {
            routes.TellAll();
        }

        host.Beaten(isAnew, beat.RevokedVersion);

        if (!wasUp)
        {
            (_isLost, _isRefused) = (false, false);
            host.DirectoryFound();
        }

        if (wasAway)
        {
            host.WasAway();
        }

        Interlocked.Exchange(ref _nextBeat!, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>Tells what has changed. False where some of it is left, since the directory cannot be told now.</summary>
    private async Task<bool> TryTellAsync(CancellationToken cancellationToken)
    {
        while (routes.Take(BatchLength) is { Count: > 0 } batch)
        {
            var told = new bool[batch.Count];
            if (_isUp && !_isSuperseded && Generation is > 0 and var generation)
            {
                using var patience = new Patience(AnswerTimeout, time, cancellationToken);
                told = await Task.WhenAll(batch.Select(one => TryPutAsync(one.Key, new FleetRoute(options.NodeName, generation, one.Links, one.Below), patience.Token))).ConfigureAwait(false);
            }

            // Each for itself, since of a cluster a part may be down: those that failed come again behind the others.
            routes.Told(batch.Count, [.. batch.Where((_, i) => !told[i]).Select(one => one.Key)]);
            if (!told.Contains(true))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<bool> TryPutAsync(string key, FleetRoute route, CancellationToken cancellationToken)
    {
        try
        {
            await directory.PutAsync(key, route, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var waiting = new Patience(options.Beat, time, cancellationToken);
        try
        {
            await _hurry.Reader.ReadAsync(waiting.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
