using System.Threading.Channels;

namespace MProxy.Engine;

/// <summary>
/// What waits for the loop that writes it, in the order in which it was added. It is bounded, and who adds never waits: where the loop is
/// too slow, items are left out whole and counted.
/// </summary>
/// <param name="bound">What may wait, measured as <paramref name="cost"/> does.</param>
/// <param name="cost">What an item counts for. The same each time.</param>
/// <param name="time">The clock that items are stamped by.</param>
internal sealed class DroppingQueue<T>(long bound, Func<T, int> cost, TimeProvider time)
{
    private readonly Channel<Queued<T>> _items = Channel.CreateUnbounded<Queued<T>>(new UnboundedChannelOptions { SingleReader = true });
    private readonly object _gate = new();
    private DateTimeOffset _latest;
    private long _waiting;
    private long _dropped;
    private volatile bool _isClosed;

    /// <summary>Nothing is taken any more.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>False where the item is left out: there is no room, or it is closed, and then it does not count.</summary>
    public bool TryAdd(T item)
    {
        var itemCost = cost(item);
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            if (_waiting + itemCost > bound)
            {
                _dropped++;
                return false;
            }

            // In here, so that times go up as the file does; the clock itself may be set back.
            _items.Writer.TryWrite(new Queued<T>(item, Now(), _dropped));
            _dropped = 0;
            _waiting += itemCost;
            return true;
        }
    }

    /// <summary>Waits for the next item. False when there is none, and none comes any more.</summary>
    public ValueTask<bool> WaitAsync() => _items.Reader.WaitToReadAsync();

    public bool TryTake(out Queued<T> next)
    {
        if (!_items.Reader.TryRead(out next))
        {
            return false;
        }

        lock (_gate)
        {
            _waiting -= cost(next.Item);
        }

        return true;
    }

    /// <summary>How many were left out behind the last that was taken, and the time now.</summary>
    public (long Count, DateTimeOffset Time) TakeDropped()
    {
        lock (_gate)
        {
            var count = _dropped;
            _dropped = 0;
            return (count, Now());
        }
    }

    /// <summary>Takes no more; those there are can still be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _items.Writer.TryComplete();
        }
    }

    private DateTimeOffset Now()
    {
        var now = time.GetUtcNow();
        return _latest = now > _latest ? now : _latest;
    }
}
