using MProxy.Engine.Fleet;
using MProxy.Engine.Health;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Who is connected with which grants. Asks no link anything with its lock held, so that it may be asked with a link's lock held.</summary>
/// <param name="settings">How names are compared, and clients balanced.</param>
/// <param name="counts">What other relays are told of that; null where there are none.</param>
internal sealed class LinkRegistry(RelaySettings settings, RouteCounts? counts = null)
{
    private readonly object _gate = new();
    private readonly List<RelayLink> _links = [];
    private readonly RouteTable<RelayLink> _routes = new(() => settings.Current.Balance, () => !settings.Current.ExactNamesOnly);

    /// <summary>The names and ports that get no new clients, whoever serves them.</summary>
    public DrainedNames Drained { get; } = new();

    public RelayLink[] Links
    {
        get
        {
            lock (_gate)
            {
                return [.. _links];
            }
        }
    }

    public void Add(RelayLink link)
    {
        lock (_gate)
        {
            _links.Add(link);
        }
    }

    /// <summary>A link is gone, and what it was granted.</summary>
    public void Remove(RelayLink link)
    {
        lock (_gate)
        {
            _links.Remove(link);
            Uncount(link);
            _routes.Remove(link);
        }
    }

    /// <summary>A link may serve more. Other links with a grant of the same id are stale, and have none of it from now on.</summary>
    /// <returns>The stale links.</returns>
    public RelayLink[] Grant(RelayLink link, Grant grant)
    {
        lock (_gate)
        {
            RelayLink[] stale = grant.Id.Length == 0 ? []
                : [.. _routes.GrantsOf(grant.Id).Select(entry => entry.Link).Where(other => other != link).Distinct()];
            foreach (var other in stale)
            {
                Uncount(other);
                _routes.Remove(other);
            }

            _routes.Add(link, grant);
            if (!_routes.IsDraining(link))
            {
                counts?.Change(grant, isServed: true);
            }

            return stale;
        }
    }

    /// <summary>The names that links may serve, in order.</summary>
    public string[] Names
    {
        get
        {
            lock (_gate)
            {
                return [.. _routes.Grants.SelectMany(entry => entry.Grant.Domains).Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase)];
            }
        }
    }

    /// <summary>The ports, of TCP or UDP, that links hold by grants of a token id.</summary>
    public int[] PortsOf(string id, bool isUdp)
    {
        lock (_gate)
        {
            return [.. _routes.GrantsOf(id).SelectMany(entry => isUdp ? entry.Grant.UdpPorts : entry.Grant.Ports)];
        }
    }

    public void Revoke(RelayLink link, Grant grant)
    {
        lock (_gate)
        {
            if (_routes.Remove(link, grant) && !_routes.IsDraining(link))
            {
                counts?.Change(grant, isServed: false);
            }
        }
    }

    /// <summary>A link wants no more clients.</summary>
    public void Drain(RelayLink link)
    {
        lock (_gate)
        {
            Uncount(link);
            _routes.Drain(link);
        }
    }

    /// <summary>What a granted name stands for has changed: other relays are told anew what is served here.</summary>
    public void Recount()
    {
        lock (_gate)
        {
            counts?.Clear();
            foreach (var (link, grant) in _routes.Grants.Where(entry => !_routes.IsDraining(entry.Link)))
            {
                counts?.Change(grant, isServed: true);
            }
        }
    }

    /// <summary>Which services of a link get new clients.</summary>
    public void Tell(RelayLink link, ServiceTable<AnnouncedService> services)
    {
        lock (_gate)
        {
            _routes.Tell(link, services);
        }
    }

    /// <summary>The links that may have a client and whose grants name it most closely, the one that should get it first.</summary>
    /// <remarks>May ask links how many clients they have: not to be called with a link's lock held.</remarks>
    public RelayLink[] Candidates(in FrameMeta client)
    {
        if (Drained.Contains(client))
        {
            return [];
        }

        // Counted before the order is made, which needs the lock of this registry.
        var loads = settings.Current.Balance == RelayBalance.LeastConnections ? CountClients(client) : [];
        lock (_gate)
        {
            return _routes.Order(client, link => loads.GetValueOrDefault(link));
        }
    }

    /// <summary>How closely the grants of the links that may have a client name it; null where there are none.</summary>
    public int? Closeness(in FrameMeta client)
    {
        lock (_gate)
        {
            return _routes.Closeness(client);
        }
    }

    /// <summary>Some link may have such a client, though it may take none now. It is nobody's turn by that.</summary>
    public bool HasDevice(in FrameMeta client)
    {
        lock (_gate)
        {
            return _routes.Covers(client);
        }
    }

    /// <summary>Why a client has no candidates.</summary>
    public ClientRefusal WhyNone(in FrameMeta client) =>
        Drained.Contains(client) ? ClientRefusal.NameDrained : HasDevice(client) ? ClientRefusal.NotHealthy : ClientRefusal.NoDevice;

    /// <summary>Other relays hear no more of what a link serves. One that drains is not counted already.</summary>
    private void Uncount(RelayLink link)
    {
        if (counts is null || _routes.IsDraining(link))
        {
            return;
        }

        foreach (var grant in _routes.GrantsOf(link))
        {
            counts.Change(grant, isServed: false);
        }
    }

    private Dictionary<RelayLink, int> CountClients(in FrameMeta client)
    {
        RelayLink[] links;
        lock (_gate)
        {
            links = _routes.Matches(client);
        }

        return links.ToDictionary(link => link, link => link.Connection.ClientCount);
    }
}
