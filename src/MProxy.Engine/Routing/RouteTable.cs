using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Health;
using MProxy.Engine.Relay;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Routing;

/// <summary>Who may serve what, and whose turn it is. Pure, and without a lock: whoever has it sees to that.</summary>
/// <param name="balance">Which of several links gets a client now.</param>
/// <param name="nameCoversSubdomains">A granted name stands for everything below it too now.</param>
internal sealed class RouteTable<TLink>(Func<RelayBalance> balance, Func<bool> nameCoversSubdomains)
    where TLink : class
{
    private readonly List<Entry> _entries = [];
    private readonly HashSet<TLink> _draining = [];
    private readonly Dictionary<TLink, ServiceTable<AnnouncedService>> _services = [];
    private long _clock;
    private long _serial;

    /// <summary>What was granted, and to whom.</summary>
    public IEnumerable<(TLink Link, Grant Grant)> Grants => _entries.Select(entry => (entry.Link, entry.Grant));

    /// <summary>How many counters are kept. A test bounds them.</summary>
    public int TurnCount => _entries.Sum(entry => entry.Turns.Count);

    public void Add(TLink link, Grant grant) => _entries.Add(new Entry(link, grant, ++_serial));

    /// <summary>The link has lost one grant. False where it did not have it.</summary>
    public bool Remove(TLink link, Grant grant) => _entries.RemoveAll(entry => entry.Link == link && entry.Grant == grant) > 0;

    /// <summary>The link is gone, with all that it was granted.</summary>
    public void Remove(TLink link)
    {
        _entries.RemoveAll(entry => entry.Link == link);
        _draining.Remove(link);
        _services.Remove(link);
    }

    /// <summary>The link wants no more clients. It stays in the order, at its end, and takes no turn from others.</summary>
    public void Drain(TLink link) => _draining.Add(link);

    /// <summary>The link wants no more clients.</summary>
    public bool IsDraining(TLink link) => _draining.Contains(link);

    /// <summary>Which services of the link get new clients. For the others it is as if the link were not there.</summary>
    public void Tell(TLink link, ServiceTable<AnnouncedService> services) => _services[link] = services;

    /// <summary>Some link may have a client, also where its service gets no new ones now.</summary>
    public bool Covers(in FrameMeta client)
    {
        var name = GrantRules.NameOf(client);
        foreach (var entry in _entries)
        {
            if (entry.Grant.Match(name, client, nameCoversSubdomains()) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>How closely the grants of the links that may have a client name it; null where there are none.</summary>
    public int? Closeness(in FrameMeta client) => Find(client, out _, out var closeness).Count > 0 ? closeness : null;

    /// <summary>The links whose grants name a client most closely, in no order.</summary>
    public TLink[] Matches(in FrameMeta client) => Find(client, out _, out _).ConvertAll(entry => entry.Link).ToArray();

    /// <summary>The links whose grants name a client most closely, in the order in which they should get it. It counts as the first one's turn.</summary>
    /// <param name="client">The client.</param>
    /// <param name="load">How many clients a link has; only asked to balance by that.</param>
    public TLink[] Order(in FrameMeta client, Func<TLink, int> load)
    {
        var found = Find(client, out var route, out _);
        if (found.Count == 0)
        {
            return [];
        }

        var address = client.Address;
        var byRule = found.OrderBy(entry => _draining.Contains(entry.Link));
        byRule = balance() switch
        {
            RelayBalance.LeastConnections => byRule.ThenBy(entry => load(entry.Link)),
            RelayBalance.ClientAddress => byRule.ThenByDescending(entry => Weight(address, entry.Identity)),
            _ => byRule,
        };
        Entry[] ordered = [.. byRule.ThenBy(entry => entry.Turns.GetValueOrDefault(route))];
        ordered[0].Turns[route] = ++_clock;
        return Array.ConvertAll(ordered, entry => entry.Link);
    }

    /// <summary>
    /// Rendezvous hashing: each device has a weight for each address, and the heaviest gets it. A cryptographic hash, which is the same after
    /// a restart of the relay, so that clients stay with their device; and nobody gains by choosing addresses, who may have them all anyway.
    /// </summary>
    private static ulong Weight(string? address, string identity) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{address} {identity}")));

    /// <summary>
    /// What the turns of a client are counted by: what a grant spells out, never what a client made up, so that there are no more than those.
    /// The name and everything below it count apart, since they may be different devices'.
    /// </summary>
    private static string Route(in FrameMeta client, string? name, int match) =>
        match == 0 ? "*"
        : name is null ? $"{client.ServicePort}"
        : match == name.Length ? name : $"{ServerName.Wildcard}{name.AsSpan(name.Length - match)}";

    private List<Entry> Find(in FrameMeta client, out string route, out int best)
    {
        var name = GrantRules.NameOf(client);
        List<Entry> found = [];
        IReadOnlyList<string>? keys = null;
        var coversBelow = nameCoversSubdomains();
        best = 0;
        foreach (var entry in _entries)
        {
            if (entry.Grant.Match(name, client, coversBelow) is not { } match || (found.Count > 0 && match < best)
                || !TakesNew(entry.Link, client, ref keys))
            {
                continue;
            }

            if (match > best)
            {
                found.Clear();
                best = match;
            }

            if (!found.Exists(other => other.Link == entry.Link))
            {
                found.Add(entry);
            }
        }

        route = Route(client, name, best);
        return found;
    }

    /// <summary>The device has a service for the client that gets new ones. Where it has none, that is for the device to say.</summary>
    private bool TakesNew(TLink link, in FrameMeta client, ref IReadOnlyList<string>? keys) =>
        !_services.TryGetValue(link, out var services)
        || !services.TryFind(keys ??= ServiceKeys.Of(client), client.Service, out _, out var service)
        || service.State == ServiceState.Up;

    /// <summary>One grant of one link.</summary>
    private sealed class Entry(TLink link, Grant grant, long serial)
    {
        public TLink Link => link;

        public Grant Grant => grant;

        /// <summary>Known again when the device comes back, where its token names one.</summary>
        public string Identity { get; } = grant.Id.Length > 0 ? $"id {grant.Id}" : $"no {serial}";

        /// <summary>When it was last this one's turn, by what the grant spells out. They go with the grant.</summary>
        public Dictionary<string, long> Turns { get; } = new(StringComparer.Ordinal);
    }
}
