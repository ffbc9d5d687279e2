namespace MProxy.Engine.Tests;

/// <summary>
/// A clock that a test moves. Timers fire on the thread that moves it, in the order of their due times. Unlike FakeTimeProvider of
/// Microsoft.Extensions, timers may be made, changed and disposed of on other threads meanwhile.
/// </summary>
internal class ManualTime(DateTimeOffset? start = null) : TimeProvider
{
    private readonly object _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly DateTimeOffset _start = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override DateTimeOffset GetUtcNow() => _start + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var until = GetTimestamp() + by.Ticks;
        while (TakeNext(until) is { } timer)
        {
            timer.Fire();
        }

        Interlocked.Exchange(ref _now, until);
    }

    /// <summary>As many timers as should be are set to fire in this time from now.</summary>
    public Task TimersAsync(TimeSpan length, int count = 1) => Until.TrueAsync(() =>
    {
        lock (_gate)
        {
            return _timers.Count(timer => timer.Due == GetTimestamp() + length.Ticks) == count;
        }
    });

    private ManualTimer? TakeNext(long until)
    {
        lock (_gate)
        {
            var next = _timers.MinBy(timer => timer.Due);
            if (next is null || next.Due > until)
            {
                return null;
            }

            Interlocked.Exchange(ref _now, Math.Max(next.Due, _now));
            _timers.Remove(next);
            return next;
        }
    }

    private sealed class ManualTimer(ManualTime time, Action callback) : ITimer
    {
        private readonly object _firing = new();
        private long _period;
        private bool _isDisposed;

        public long Due { get; private set; }

        public void Fire()
        {
            lock (_firing)
            {
                if (_isDisposed)
                {
                    return;
                }

                if (_period > 0)
                {
                    Change(TimeSpan.FromTicks(_period), TimeSpan.FromTicks(_period));
                }

                callback();
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var fireNow = false;
            lock (time._gate)
            {
                time._timers.Remove(this);
                if (_isDisposed)
                {
                    return false;
                }

                _period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Due = time.GetTimestamp() + dueTime.Ticks;
                    fireNow = dueTime == TimeSpan.Zero;
                    if (!fireNow)
                    {
                        time._timers.Add(this);
                    }
                }
            }

            if (fireNow)
            {
                // As the system's timers do: on another thread, and at once.
                _ = Task.Run(callback);
            }

            return true;
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                _isDisposed = true;
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();

            // As the system's timers do: no callback runs any more when this is over.
            lock (_firing)
            {
                return default;
            }
        }
    }
}
