namespace MProxy.Engine.Link;

/// <summary>Looks from time to time for clients that have been silent for too long. A look costs nothing on the way of their bytes.</summary>
internal sealed class IdleSweep : IAsyncDisposable
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly Func<IEnumerable<LinkConnection>> _links;
    private readonly Func<LinkClient, TimeSpan> _timeoutOf;
    private readonly Func<TimeSpan[]> _timeouts;
    private readonly ITimer _timer;
    private long _period;

    /// <param name="links">The links there are.</param>
    /// <param name="timeoutOf">How long a client may be silent; zero for ever.</param>
    /// <param name="timeouts">The time-outs there are: the shortest decides how often is looked.</param>
    /// <param name="time">The clock.</param>
    public IdleSweep(Func<IEnumerable<LinkConnection>> links, Func<LinkClient, TimeSpan> timeoutOf, Func<TimeSpan[]> timeouts, TimeProvider time)
    {
        _links = links;
        _timeoutOf = timeoutOf;
        _timeouts = timeouts;
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm();
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    /// <summary>The time-outs may be others now: where one is shorter, the next look comes sooner.</summary>
    public void Rearm()
    {
        if (Period(_timeouts()).Ticks < Interlocked.Read(ref _period))
        {
            Arm();
        }
    }

    private void Look()
    {
        if (_timeouts().Any(timeout => timeout > TimeSpan.Zero))
        {
            foreach (var link in _links())
            {
                link.EndIdle(_timeoutOf);
            }
        }

        Arm();
    }

    /// <summary>Anew after each look. Two at once would do no harm.</summary>
    private void Arm()
    {
        var period = Period(_timeouts());
        Interlocked.Exchange(ref _period, period.Ticks);
        try
        {
            _timer.Change(period, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // Its owner has just ended.
        }
    }

    /// <summary>A fourth of the shortest, so that a client is over at most half of it late: it may have moved right behind a look.</summary>
    private static TimeSpan Period(TimeSpan[] timeouts)
    {
        var period = timeouts.Where(timeout => timeout > TimeSpan.Zero).DefaultIfEmpty(TimeSpan.MaxValue).Min() / 4;
        return period < Shortest ? Shortest : period > Longest ? Longest : period;
    }
}
