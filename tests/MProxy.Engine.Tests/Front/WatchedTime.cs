namespace MProxy.Engine.Tests.Front;

/// <summary>A clock that a test moves, and that knows which timers somebody has set and not given back.</summary>
internal sealed class WatchedTime : ManualTime
{
    private readonly List<TimeSpan> _timers = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new WatchedTimer(base.CreateTimer(callback, state, dueTime, period), () => Forget(dueTime));
        lock (_timers)
        {
            _timers.Add(dueTime);
        }

        return timer;
    }

    /// <summary>As many timers of this length are there as should be.</summary>
    public Task TimersAsync(TimeSpan length, int count = 1) => FrontClient.UntilAsync(() =>
    {
        lock (_timers)
        {
            return _timers.Count(timer => timer == length) == count;
        }
    });

    private void Forget(TimeSpan length)
    {
        lock (_timers)
        {
            _timers.Remove(length);
        }
    }

    private sealed class WatchedTimer(ITimer timer, Action disposed) : ITimer
    {
        private int _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

        public void Dispose()
        {
            timer.Dispose();
            Note();
        }

        public async ValueTask DisposeAsync()
        {
            await timer.DisposeAsync();
            Note();
        }

        private void Note()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                disposed();
            }
        }
    }
}
