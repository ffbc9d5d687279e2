using MProxy.Protocol;

namespace MProxy.Engine.Fleet;

/// <summary>
/// Finds other relays that have devices for a client. What the directory said is kept for the keys that this relay's own clients ask for, and kept in
/// use while the directory cannot be asked: it is a hint, and the relay that it leads to knows.
/// </summary>
/// <param name="directory">The directory.</param>
/// <param name="member">Which relays there are.</param>
/// <param name="load">How many clients a relay has by now; the least gets the next.</param>
/// <param name="time">The clock.</param>
internal sealed class RouteFinder(IFleetDirectory directory, FleetMember member, Func<FleetNode, int> load, TimeProvider time)
{
    /// <summary>Strangers choose the names that they ask for: what they make up is forgotten soonest.</summary>
    private const int HalfCapacity = 25_000;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(500);

    /// <summary>How long nobody waits for a directory that did not answer in time. It is asked all the same, and whoever comes later knows.</summary>
    private static readonly TimeSpan ImpatientFor = TimeSpan.FromSeconds(5);

    /// <summary>Changes are told of; this is for those that got lost.</summary>
    private static readonly TimeSpan RenewAfter = TimeSpan.FromSeconds(30);

    /// <summary>How long nobody is known for a key, where changes are not told of.</summary>
    private static readonly TimeSpan AbsentFor = TimeSpan.FromSeconds(1);

    /// <summary>How long what has vanished without a word is still tried: a directory that came back empty is being filled again.</summary>
    private static readonly TimeSpan DoubtFor = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();

    // Two ages: what is asked for moves to the young one, and when that is full, what is left in the other is forgotten.
    private Dictionary<string, RouteEntry> _young = new(StringComparer.Ordinal);
    private Dictionary<string, RouteEntry> _old = new(StringComparer.Ordinal);
    private long _impatientSince;

    /// <summary>The directory is asked, and waited for.</summary>
    private bool IsPatient => Volatile.Read(ref _impatientSince) is var since && (since == 0 || time.GetElapsedTime(since) >= ImpatientFor);

    /// <summary>The relays that may have a client and whose devices' grants name it most closely, the one that should get it first.</summary>
    /// <param name="client">The client.</param>
    /// <param name="range">How closely they have to name it.</param>
    /// <param name="isFresh">What is kept has turned out wrong: the directory is asked anew.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<IReadOnlyList<HopPlace>> FindAsync(FrameMeta client, ClosenessRange range, bool isFresh, CancellationToken cancellationToken)
    {
        var asked = Ask(client, range);
        if (isFresh)
        {
            asked.ForEach(one => one.Entry.IsWrong = true);
        }

        // The closest first: who is named there is not looked for elsewhere. And nobody waits for a second look where there is somebody.
        await LookAsync(asked.Take(1), IsUnknown, cancellationToken).ConfigureAwait(false);
        if (Choose(asked.Take(1)) is { Count: > 0 } first)
        {
            return first;
        }

        await LookAsync(asked, IsUnknown, cancellationToken).ConfigureAwait(false);
        if (Choose(asked) is { Count: > 0 } known)
        {
            return known;
        }

        await LookAsync(asked, NeedsLook, cancellationToken).ConfigureAwait(false);
        return Choose(asked);
    }

    /// <summary>The same by what is known already; null where the directory has to be asked first.</summary>
    public IReadOnlyList<HopPlace>? TryFind(in FrameMeta client, ClosenessRange range)
    {
        var asked = Ask(client, range);
        foreach (var one in asked)
        {
            if (IsUnknown(one.Entry))
            {
                return null;
            }

            if (Choose([one]) is { Count: > 0 } known)
            {
                return known;
            }
        }

        return asked.Exists(one => NeedsLook(one.Entry)) ? null : [];
    }

    /// <summary>A key has another relay, or one less.</summary>
    public void Changed(string key)
    {
        lock (_gate)
        {
            if (Current(key) is { } entry)
            {
                entry.IsWrong = true;
            }
        }
    }

    /// <summary>A relay that was chosen for a client has no device for it.</summary>
    public void WasMistaken(in FrameMeta client) => RouteKeys.Of(client).ForEach(key => Changed(key.Key));

    /// <summary>Changes may have been missed.</summary>
    public void Expire()
    {
        Interlocked.Exchange(ref _impatientSince, 0);
        lock (_gate)
        {
            foreach (var entry in _young.Values.Concat(_old.Values))
            {
                entry.IsExpired = true;
            }
        }
    }

    private RouteEntry? Current(string key) => _young.GetValueOrDefault(key) ?? _old.GetValueOrDefault(key);

    private RouteEntry Get(string key)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(key, out var entry))
            {
                return entry;
            }

            if (!_old.Remove(key, out entry))
            {
                entry = new RouteEntry(key);
            }

            if (_young.Count >= HalfCapacity)
            {
                foreach (var forgotten in _old.Values.Where(forgotten => forgotten.IsWatched))
                {
                    _ = UnwatchAsync(forgotten.Key);
                }

                (_young, _old) = (new(StringComparer.Ordinal), _young);
            }

            _young[key] = entry;
            return entry;
        }
    }

    private async Task UnwatchAsync(string key)
    {
        try
        {
            await directory.UnwatchAsync(key).ConfigureAwait(false);
        }
        catch (FleetDirectoryException)
        {
            // What it says of that key falls on deaf ears.
        }

        lock (_gate)
        {
            if (Current(key) is { } entry)
            {
                // Asked for again meanwhile: it is watched again with the next look.
                (entry.IsWatched, entry.IsExpired) = (false, true);
            }
        }
    }

    private List<Asked> Ask(in FrameMeta client, ClosenessRange range) =>
        RouteKeys.Of(client).FindAll(key => key.Closeness >= range.AtLeast && key.Closeness < range.Below).ConvertAll(key => new Asked(Get(key.Key), key.IsBelow, key.Closeness));

    private bool IsUnknown(RouteEntry entry) => member.IsDirectoryUp && (entry.AskedAt == 0 || entry.IsWrong) && IsPatient;

    private bool NeedsLook(RouteEntry entry) => IsDue(entry) && IsPatient;

    private bool IsDue(RouteEntry entry) => member.IsDirectoryUp
        && (entry.AskedAt == 0 || entry.IsWrong || entry.IsExpired || time.GetElapsedTime(entry.AskedAt) >= entry.KeepFor);

    private Task LookAsync(IEnumerable<Asked> asked, Func<RouteEntry, bool> isDue, CancellationToken cancellationToken) =>
        Task.WhenAll(asked.Select(one => one.Entry).Where(isDue).Select(entry => LookAsync(entry, cancellationToken)));

    /// <summary>Asks the directory, once for all who want to know at the same time.</summary>
    private async Task LookAsync(RouteEntry entry, CancellationToken cancellationToken)
    {
        Task looking;
        lock (entry)
        {
            looking = entry.Looking ??= LookOnceAsync(entry);
        }

        await looking.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task LookOnceAsync(RouteEntry entry)
    {
        // Not with the entry's lock held.
        await Task.Yield();
        try
        {
            using var patience = new CancellationTokenSource(AnswerTimeout, time);
            var wasWrong = entry.IsWrong;
            (entry.IsWrong, entry.IsExpired) = (false, false);
            var routes = await directory.FindAsync(entry.Key, patience.Token).ConfigureAwait(false);
            if (routes.Count > 0 && !entry.IsWatched)
            {
                // Asked again, since it may have changed before it was watched.
                await directory.WatchAsync(entry.Key, patience.Token).ConfigureAwait(false);
                entry.IsWatched = true;
                routes = await directory.FindAsync(entry.Key, patience.Token).ConfigureAwait(false);
            }

            var isDoubtful = routes.Count == 0 && entry.Routes.Count > 0 && !wasWrong && (entry.DoubtfulSince == 0 || time.GetElapsedTime(entry.DoubtfulSince) < DoubtFor);
            entry.Take(routes, !isDoubtful ? 0 : entry.DoubtfulSince == 0 ? time.GetTimestamp() : entry.DoubtfulSince, routes.Count > 0 ? RenewAfter : AbsentFor);
            Interlocked.Exchange(ref _impatientSince, 0);
        }
        catch (Exception error) when (error is FleetDirectoryException or OperationCanceledException)
        {
            // What was known is as good as anything, and is asked about again in a moment.
            entry.KeepFor = AbsentFor;
            Interlocked.Exchange(ref _impatientSince, time.GetTimestamp());
        }
        finally
        {
            entry.AskedAt = time.GetTimestamp();
            lock (entry)
            {
                entry.Looking = null;
            }

            lock (_gate)
            {
                if (entry.IsWatched && Current(entry.Key) != entry)
                {
                    // Forgotten while it was asked about.
                    entry.IsWatched = false;
                    _ = UnwatchAsync(entry.Key);
                }
            }
        }
    }

    private List<HopPlace> Choose(IEnumerable<Asked> asked)
    {
        foreach (var (entry, isBelow, closeness) in asked)
        {
            if (IsDue(entry) && (entry.Routes.Count > 0 || !IsPatient))
            {
                // Whoever comes next knows more.
                _ = LookAsync(entry, CancellationToken.None);
            }

            var found = entry.Routes.Where(route => (isBelow ? route.LinksBelow : route.Links) > 0)
                .Select(route => (Route: route, Node: member.Find(route.Node)))
                .Where(one => one.Node is not null && one.Route.Generation >= one.Node.Generation)
                .OrderBy(one => (double)load(one.Node!) / (isBelow ? one.Route.LinksBelow : one.Route.Links))
                .ThenBy(_ => Random.Shared.Next())
                .Select(one => new HopPlace(one.Node!, closeness)).ToList();
            if (found.Count > 0)
            {
                return found;
            }
        }

        return [];
    }

    private readonly record struct Asked(RouteEntry Entry, bool IsBelow, int Closeness);
}
