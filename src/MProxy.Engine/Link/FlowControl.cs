namespace MProxy.Engine.Link;

/// <summary>
/// What waits for slow local sockets, counted: when a sender is asked to pause and to go on, and who has to go where too much waits.
/// Source: protocol.md, section 4.
/// </summary>
internal sealed class FlowControl(LinkOptions options)
{
    // Clients with bytes waiting, ended in order or not: who has the most goes first.
    private readonly HashSet<LinkClient> _waiting = [];
    private long _total;

    /// <summary>What waits for all clients together, in bytes.</summary>
    public long Total => _total;

    /// <summary>True where the client may keep this much more; false where it is past its own bound.</summary>
    public bool Fits(LinkClient client, int count) => client.Waiting + count <= options.ClientBound;

    /// <summary>Who is to be ended so that the link stays in its budget with this much more; null where it does.</summary>
    public LinkClient? FindVictim(LinkClient adding, int count)
    {
        if (_total + count <= options.LinkBudget)
        {
            return null;
        }

        var victim = adding;
        var most = adding.Waiting + count;
        foreach (var client in _waiting)
        {
            if (client.Waiting > most)
            {
                (victim, most) = (client, client.Waiting);
            }
        }

        return victim;
    }

    /// <summary>Bytes came that have to wait. True where the sender is to pause.</summary>
    public bool Add(LinkClient client, int count)
    {
        client.Waiting += count;
        _total += count;
        _waiting.Add(client);
        if (client.IsFull || client.Waiting <= options.HighMark)
        {
            return false;
        }

        client.IsFull = true;
        return !client.IsSuspended;
    }

    /// <summary>The local side took bytes. True where a paused sender is to go on.</summary>
    public bool Remove(LinkClient client, int count)
    {
        client.Waiting -= count;
        _total -= count;
        if (client.Waiting == 0)
        {
            _waiting.Remove(client);
        }

        if (!client.IsFull || client.Waiting > options.LowMark)
        {
            return false;
        }

        client.IsFull = false;
        return client is { IsSuspended: false, IsClosed: false, EndReceived: false };
    }

    /// <summary>What waits for a client is dropped: it counts against nobody.</summary>
    public void Drop(LinkClient client)
    {
        _total -= client.Waiting;
        client.Waiting = 0;
        _waiting.Remove(client);
    }
}
