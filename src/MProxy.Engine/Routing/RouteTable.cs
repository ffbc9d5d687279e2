using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Health;
using MProxy.Engine.Link;
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
    private readonly Index<TLink> _byLink = new();
    private readonly Index<string> _byId = new();

    // By what a domain spells out, its wildcard or not; by port; and those that serve whatever comes. Of many thousands, few are looked at for a client.
    private readonly Index<string> _byName = new();
    private readonly Index<(bool IsUdp, int Port)> _byPort = new();
    private readonly List<Entry> _unrestricted = [];
    private readonly HashSet<TLink> _draining = [];
    private readonly Dictionary<TLink, ServiceTable<AnnouncedService>> _services = [];
    private long _clock;
    private long _serial;

    /// <summary>What was granted, and to whom.</summary>
    public IEnumerable<(TLink Link, Grant Grant)> Grants => _byLink.All.Select(entry => (entry.Link, entry.Grant));

    /// <summary>How many counters are kept. A test bounds them.</summary>
    public int TurnCount => _byLink.All.Sum(entry => entry.Turns.Count);

    /// <summary>What was granted to a link.</summary>
    public IEnumerable<Grant> GrantsOf(TLink link) => _byLink.Of(link).Select(entry => entry.Grant);

    /// <summary>What was granted by tokens of an id, and to whom.</summary>
    public IEnumerable<(TLink Link, Grant Grant)> GrantsOf(string id) => _byId.Of(id).Select(entry => (entry.Link, entry.Grant));

    public void Add(TLink link, Grant grant)
    {
        var entry = new Entry(link, grant, ++_serial);
        _byLink.Add(link, entry);
        if (grant.Id.Length > 0)
        {
            _byId.Add(grant.Id, entry);
        }

        foreach (var name in NamesOf(grant))
        {
            _byName.Add(name, entry);
        }

        foreach (var port in PortsOf(grant))
        {
            _byPort.Add(port, entry);
        }

        if (grant.IsUnrestricted)
        {
            _unrestricted.Add(entry);
        }
    }

    /// <summary>The link has lost one grant. False where it did not have it.</summary>
    public bool Remove(TLink link, Grant grant)
    {
        Entry[] removed = [.. _byLink.Of(link).Where(entry => entry.Grant == grant)];
        Array.ForEach(removed, Remove);
        return removed.Length > 0;
    }

    /// <summary>The link is gone, with all that it was granted.</summary>
    public void Remove(TLink link)
    {
        Array.ForEach([.. _byLink.Of(link)], Remove);
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
        foreach (var entry in Candidates(client, name))
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

    /// <summary>Whoever may match, each once or more.</summary>
    private List<Entry> Candidates(in FrameMeta client, string? name)
    {
        List<Entry> candidates = [.. _unrestricted];
        if (name is null)
        {
            candidates.AddRange(client.ServicePort is { } port ? _byPort.Of((ClientService.IsDatagram(client.Service), port)) : []);
            return candidates;
        }

        for (var at = 0; at < name.Length;)
        {
            candidates.AddRange(_byName.Of(at == 0 ? name : name[at..]));
            var dot = name.IndexOf('.', at);
            at = dot < 0 ? name.Length : dot + 1;
        }

        return candidates;
    }

    private static IEnumerable<string> NamesOf(Grant grant) => grant.Domains
        .Select(domain => domain.StartsWith(ServerName.Wildcard, StringComparison.Ordinal) ? domain[ServerName.Wildcard.Length..] : domain).Distinct(StringComparer.Ordinal);

    private static IEnumerable<(bool IsUdp, int Port)> PortsOf(Grant grant) =>
        grant.Ports.Select(port => (false, port)).Concat(grant.UdpPorts.Select(port => (true, port))).Distinct();

    private void Remove(Entry entry)
    {
        _byLink.Remove(entry.Link, entry);
        _byId.Remove(entry.Grant.Id, entry);
        foreach (var name in NamesOf(entry.Grant))
        {
            _byName.Remove(name, entry);
        }

        foreach (var port in PortsOf(entry.Grant))
        {
            _byPort.Remove(port, entry);
        }

        _unrestricted.Remove(entry);
    }

    private List<Entry> Find(in FrameMeta client, out string route, out int best)
    {
        var name = GrantRules.NameOf(client);
        List<Entry> found = [];
        IReadOnlyList<string>? keys = null;
        var coversBelow = nameCoversSubdomains();
        best = 0;
        foreach (var entry in Candidates(client, name))
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

    /// <summary>Entries by something that they have.</summary>
    private sealed class Index<TKey>
        where TKey : notnull
    {
        private readonly Dictionary<TKey, List<Entry>> _entries = [];

        public IEnumerable<Entry> All => _entries.Values.SelectMany(entries => entries);

        public List<Entry> Of(TKey key) => _entries.TryGetValue(key, out var entries) ? entries : [];

        public void Add(TKey key, Entry entry)
        {
            if (!_entries.TryGetValue(key, out var entries))
            {
                _entries[key] = entries = [];
            }

            entries.Add(entry);
        }

        public void Remove(TKey key, Entry entry)
        {
            if (_entries.TryGetValue(key, out var entries) && entries.Remove(entry) && entries.Count == 0)
            {
                _entries.Remove(key);
            }
        }
    }

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
