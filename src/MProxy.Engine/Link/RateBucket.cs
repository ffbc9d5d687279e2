namespace MProxy.Engine.Link;

/// <summary>
/// Holds something to a rate that may change while it is used: what is saved up is at most a given time's worth. Safe from many threads.
/// </summary>
/// <param name="perSecond">The rate now, per second; 0 for no limit.</param>
/// <param name="burst">For how long unused rate is saved up.</param>
/// <param name="time">The clock.</param>
internal sealed class RateBucket(Func<double> perSecond, TimeSpan burst, TimeProvider time)
{
    private readonly object _gate = new();
    private double _saved = double.PositiveInfinity;
    private long _at = time.GetTimestamp();

    /// <summary>There is a limit.</summary>
    public bool IsOn => perSecond() > 0;

    /// <summary>Nothing of what may be saved up is used: forgetting it changes nothing.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                var rate = perSecond();
                return rate <= 0 || Refill(rate) >= rate * burst.TotalSeconds;
            }
        }
    }

    /// <summary>Takes some where there is enough, or as much as can be saved up; and nothing where there is not.</summary>
    public bool TryTake(double count)
    {
        var rate = perSecond();
        if (rate <= 0)
        {
            return true;
        }

        lock (_gate)
        {
            if (Refill(rate) < Math.Min(count, rate * burst.TotalSeconds))
            {
                return false;
            }

            _saved -= count;
            return true;
        }
    }

    /// <summary>Takes some in any case.</summary>
    /// <returns>How long to wait until what was taken is paid for.</returns>
    public TimeSpan Take(double count)
    {
        var rate = perSecond();
        if (rate <= 0)
        {
            return TimeSpan.Zero;
        }

        lock (_gate)
        {
            _saved = Refill(rate) - count;
            return _saved >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_saved / rate);
        }
    }

    private double Refill(double rate)
    {
        var now = time.GetTimestamp();
        _saved = Math.Min(_saved + (time.GetElapsedTime(_at, now).TotalSeconds * rate), rate * burst.TotalSeconds);
        _at = now;
        return _saved;
    }
}
