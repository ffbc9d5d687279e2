namespace MProxy.Engine.Link;

/// <summary>The control requests that wait for a reply, with their time-outs.</summary>
internal sealed class ControlRequests(TimeProvider time, TimeSpan timeout)
{
    // All requests have the same time-out, so that the oldest is always the next to expire.
    private readonly Dictionary<long, long> _sentAt = [];
    private readonly Queue<(long Id, long At)> _order = new();

    /// <summary>When the oldest expires, as a timestamp; null where none waits.</summary>
    public long? NextDeadline
    {
        get
        {
            while (_order.TryPeek(out var oldest))
            {
                if (_sentAt.TryGetValue(oldest.Id, out var at) && at == oldest.At)
                {
                    return at + ToTicks(timeout);
                }

                _order.Dequeue();
            }

            return null;
        }
    }

    /// <param name="id">The request.</param>
    /// <param name="expires">False where only the end of the link may end the wait.</param>
    public void Add(long id, bool expires)
    {
        var now = time.GetTimestamp();
        _sentAt[id] = now;
        if (expires)
        {
            _order.Enqueue((id, now));
        }
    }

    /// <summary>Takes a request whose reply came.</summary>
    public bool TryTake(long id, out TimeSpan roundTrip)
    {
        var found = _sentAt.Remove(id, out var at);
        roundTrip = found ? time.GetElapsedTime(at) : default;
        return found;
    }

    /// <summary>Takes one request whose time is over.</summary>
    public bool TryTakeExpired(out long id)
    {
        id = 0;
        if (NextDeadline is not { } deadline || deadline > time.GetTimestamp())
        {
            return false;
        }

        id = _order.Dequeue().Id;
        return _sentAt.Remove(id);
    }

    private long ToTicks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
