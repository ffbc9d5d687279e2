namespace MProxy.Engine.Link;

/// <summary>Adds up what moves over links that come and go. One that goes counts exactly once at any moment, so that the sum never goes down.</summary>
internal sealed class TrafficSum
{
    private readonly List<LinkConnection> _links = [];
    private Traffic _ended;

    /// <summary>What has moved so far.</summary>
    public Traffic Now
    {
        get
        {
            lock (_links)
            {
                return _links.Aggregate(_ended, (sum, link) => sum + link.Traffic);
            }
        }
    }

    /// <summary>Counts a link from its start.</summary>
    public void Add(LinkConnection link)
    {
        lock (_links)
        {
            _links.Add(link);
        }
    }

    /// <summary>A link has ended; what it moved still counts.</summary>
    public void Remove(LinkConnection link)
    {
        lock (_links)
        {
            if (_links.Remove(link))
            {
                _ended += link.Traffic;
            }
        }
    }
}
