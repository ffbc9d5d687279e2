using System.Management.Automation;
using MProxy.Engine;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>The relays, links and tunnels of this process, by name. Every one started is here until it is stopped.</summary>
internal static class Sessions
{
    public static SessionTable<RelayJob> Relays { get; } = new("relay");

    public static SessionTable<TunnelJob> Tunnels { get; } = new("tunnel");

    public static SessionTable<DeviceLink> Links { get; } = new("link");

    /// <summary>Ends what one runspace has started, and takes its jobs out of its job table. What was in the foreground, and drains, may come to its end.</summary>
    public static async Task StopAllAsync(Guid owner)
    {
        // Tunnels first: they may stand on links.
        await Tunnels.StopAllAsync(owner).ConfigureAwait(false);
        await Links.StopAllAsync(owner).ConfigureAwait(false);
        await Relays.StopAllAsync(owner).ConfigureAwait(false);
        JobTables.RemoveAll(owner);
    }
}

/// <summary>The named objects of one kind.</summary>
internal sealed class SessionTable<T>(string kind)
    where T : class, IDrainable
{
    private readonly SortedDictionary<string, (T Session, Guid Owner)> _sessions = new(StringComparer.OrdinalIgnoreCase);
    private int _lastNumber;

    public string Kind => kind;

    public IReadOnlyList<KeyValuePair<string, T>> All
    {
        get
        {
            lock (_sessions)
            {
                return [.. _sessions.Select(entry => new KeyValuePair<string, T>(entry.Key, entry.Value.Session))];
            }
        }
    }

    /// <summary>A name that is free: relay1, relay2, ….</summary>
    public string NextName()
    {
        lock (_sessions)
        {
            string name;
            do
            {
                name = $"{kind}{++_lastNumber}";
            }
            while (_sessions.ContainsKey(name));
            return name;
        }
    }

    public bool Contains(string name)
    {
        lock (_sessions)
        {
            return _sessions.ContainsKey(name);
        }
    }

    /// <param name="name">Its name.</param>
    /// <param name="session">What is named.</param>
    /// <param name="owner">The runspace that has started it, with which it ends.</param>
    /// <returns>False where the name is taken.</returns>
    public bool TryAdd(string name, T session, Guid owner)
    {
        lock (_sessions)
        {
            return _sessions.TryAdd(name, (session, owner));
        }
    }

    public void Remove(T session)
    {
        lock (_sessions)
        {
            foreach (var name in _sessions.Where(entry => entry.Value.Session == session).Select(entry => entry.Key).ToList())
            {
                _sessions.Remove(name);
            }
        }
    }

    public IEnumerable<T> Find(WildcardPattern pattern) => All.Where(entry => pattern.IsMatch(entry.Key)).Select(entry => entry.Value);

    /// <summary>Ends one, and forgets it when it has ended.</summary>
    public async Task StopAsync(T session, TimeSpan drain = default, CancellationToken cancellationToken = default)
    {
        try
        {
            await session.StopAsync(drain, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Remove(session);
            JobTables.RemoveStopped(session as SessionJob);
        }
    }

    /// <summary>Ends all that a runspace has started, at once.</summary>
    public Task StopAllAsync(Guid owner)
    {
        lock (_sessions)
        {
            return Task.WhenAll(_sessions.Values.Where(entry => entry.Owner == owner)
                .Select(entry => entry.Session is SessionJob { MayFinish: true } job ? job.Over : Task.Run(() => StopAsync(entry.Session))).ToList());
        }
    }
}
