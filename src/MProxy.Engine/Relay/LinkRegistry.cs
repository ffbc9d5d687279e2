using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>Who is connected with which grants. Asks no link anything, so that it may be asked with a link's lock held.</summary>
internal sealed class LinkRegistry
{
    private readonly object _gate = new();
    private readonly List<RelayLink> _links = [];
    private readonly List<(RelayLink Link, Grant Grant)> _grants = [];
    private int _turn;

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
            _grants.RemoveAll(entry => entry.Link == link);
        }
    }

    /// <summary>A link may serve more. Other links with a grant of the same id are stale, and have none of it from now on.</summary>
    /// <returns>The stale links.</returns>
    public RelayLink[] Grant(RelayLink link, Grant grant)
    {
        lock (_gate)
        {
            RelayLink[] stale = grant.Id.Length == 0 ? []
                : [.. _grants.Where(entry => entry.Link != link && entry.Grant.Id == grant.Id).Select(entry => entry.Link).Distinct()];
            _grants.RemoveAll(entry => stale.Contains(entry.Link));
            _grants.Add((link, grant));
            return stale;
        }
    }

    /// <summary>The ports that other links hold by grants of a token id.</summary>
    public int[] PortsOf(string id, RelayLink except)
    {
        lock (_gate)
        {
            return [.. _grants.Where(entry => entry.Link != except && entry.Grant.Id == id).SelectMany(entry => entry.Grant.Ports)];
        }
    }

    public void Revoke(RelayLink link, Grant grant)
    {
        lock (_gate)
        {
            _grants.RemoveAll(entry => entry.Link == link && entry.Grant == grant);
        }
    }

    /// <summary>The links that may have a client, the one whose turn it is first.</summary>
    public RelayLink[] Candidates(in FrameMeta client)
    {
        lock (_gate)
        {
            List<RelayLink> found = [];
            foreach (var (link, grant) in _grants)
            {
                if (grant.Allows(client) && !found.Contains(link))
                {
                    found.Add(link);
                }
            }

            if (found.Count == 0)
            {
                return [];
            }

            var first = (int)((uint)_turn++ % (uint)found.Count);
            return [.. found[first..], .. found[..first]];
        }
    }
}
