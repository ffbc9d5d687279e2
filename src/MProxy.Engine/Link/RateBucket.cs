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
    private double _ahead = double.PositiveInfinity;
    private double _taken;
    private long _at = time.GetTimestamp();

    /// <summary>There is a limit.</summary>
    public bool IsOn => perSecond() > 0;

    /// <summary>How much may be saved up now; infinite where there is no limit.</summary>
    public double Capacity => perSecond() is > 0 and var rate ? rate * burst.TotalSeconds : double.PositiveInfinity;

    /// <summary>Nothing of what may be saved up is used: forgetting it changes nothing.</summary>
    public bool IsFull => Has(double.PositiveInfinity);

    /// <summary>There is enough now, or as much as can be saved up.</summary>
    public bool Has(double count)
    {
        var rate = perSecond();
        lock (_gate)
        {
            return Refill(rate) >= Math.Min(count, rate * burst.TotalSeconds);
        }
    }

    /// <summary>Takes some where there is enough, or as much as can be saved up; and nothing where there is not.</summary>
    public bool TryTake(double count)
    {
        var rate = perSecond();
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

    /// <summary>The same for whoever cannot wait: where others do, ahead of them, with up to half of the rate.</summary>
    public bool TryTakeAhead(double count)
    {
        var rate = perSecond();
        lock (_gate)
        {
            var most = rate * burst.TotalSeconds;
            if (Refill(rate) < Math.Min(count, most) && _ahead < Math.Min(count, most / 2))
            {
                return false;
            }

            _saved -= count;
            _ahead = Math.Max(_ahead - count, -Math.Max(most, count));
            return true;
        }
    }

    /// <summary>Takes some in any case.</summary>
    /// <returns>What <see cref="WaitFor"/> is asked with until that is paid for: who takes first is served first.</returns>
    public double Take(double count)
    {
        var rate = perSecond();
        lock (_gate)
        {
            _saved = Refill(rate) - count;
            return _taken += count;
        }
    }

    /// <summary>Others have used the rate too: that is owed, but never more than they may have saved up.</summary>
    /// <param name="count">How much they used.</param>
    /// <param name="others">How many they are.</param>
    public void Charge(double count, int others)
    {
        var rate = perSecond();
        lock (_gate)
        {
            _saved = Math.Max(Refill(rate) - count, -rate * burst.TotalSeconds * others);
        }
    }

    /// <summary>How long it takes at the rate of now until something taken is paid for; zero where it is. At another rate it is another time.</summary>
    public TimeSpan WaitFor(double taken)
    {
        var rate = perSecond();
        lock (_gate)
        {
            var missing = taken - _taken - Refill(rate);
            return missing <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(missing / rate, TimeSpan.MaxValue.TotalSeconds / 2));
        }
    }

    /// <summary>What was taken is not used after all.</summary>
    public void GiveBack(double count)
    {
        lock (_gate)
        {
            _saved += count;
        }
    }

    private double Refill(double rate)
    {
        var now = time.GetTimestamp();

        var (more, most) = (time.GetElapsedTime(_at, now).TotalSeconds * rate, rate * burst.TotalSeconds);

        // Without a limit nothing is owed, and what was is forgotten.
        _saved = rate <= 0 ? double.PositiveInfinity : Math.Min(_saved + more, most);
        _ahead = rate <= 0 ? double.PositiveInfinity : Math.Min(_ahead + (more / 2), most / 2);
        _at = now;
        return _saved;
    }
}
