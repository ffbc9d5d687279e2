using MProxy.Engine.Health;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Who is connected with which grants. Asks no link anything with its lock held, so that it may be asked with a link's lock held.</summary>
internal sealed class LinkRegistry(RelaySettings settings)
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
                : [.. _routes.Grants.Where(entry => entry.Link != link && entry.Grant.Id == grant.Id).Select(entry => entry.Link).Distinct()];
            Array.ForEach(stale, _routes.Remove);
            _routes.Add(link, grant);
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
            return [.. _routes.Grants.Where(entry => entry.Grant.Id == id).SelectMany(entry => isUdp ? entry.Grant.UdpPorts : entry.Grant.Ports)];
        }
    }

    public void Revoke(RelayLink link, Grant grant)
    {
        lock (_gate)
        {
            _routes.Remove(link, grant);
        }
    }

    /// <summary>A link wants no more clients.</summary>
    public void Drain(RelayLink link)
    {
        lock (_gate)
        {
            _routes.Drain(link);
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
        var counts = settings.Current.Balance == RelayBalance.LeastConnections ? CountClients(client) : [];
        lock (_gate)
        {
            return _routes.Order(client, link => counts.GetValueOrDefault(link));
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
