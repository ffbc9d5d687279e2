using System.Management.Automation;
using MProxy.Engine;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;

namespace MProxy.Internal;

/// <summary>The relays, links and tunnels of this process, by name. Every one started is here until it is stopped.</summary>
internal static class Sessions
{
    public static SessionTable<RelayServer> Relays { get; } = new("relay");

    public static SessionTable<Tunnel> Tunnels { get; } = new("tunnel");

    public static SessionTable<DeviceLink> Links { get; } = new("link");
}

/// <summary>The named objects of one kind.</summary>
internal sealed class SessionTable<T>(string kind)
    where T : class, IDrainable
{
    private readonly SortedDictionary<string, T> _sessions = new(StringComparer.OrdinalIgnoreCase);
    private int _lastNumber;

    public string Kind => kind;

    public IReadOnlyList<KeyValuePair<string, T>> All
    {
        get
        {
            lock (_sessions)
            {
                return [.. _sessions];
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

    public bool TryAdd(string name, T session)
    {
        lock (_sessions)
        {
            return _sessions.TryAdd(name, session);
        }
    }

    public void Remove(T session)
    {
        lock (_sessions)
        {
            foreach (var name in _sessions.Where(entry => entry.Value == session).Select(entry => entry.Key).ToList())
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
        }
    }

    /// <summary>Ends all of them at once.</summary>
    public Task StopAllAsync() => Task.WhenAll(All.Select(entry => StopAsync(entry.Value)));
}
