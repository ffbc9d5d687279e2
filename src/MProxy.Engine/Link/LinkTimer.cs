namespace MProxy.Engine.Link;

/// <summary>Wakes a link at its next deadline. Armed for an earlier one it moves; a later one waits for the wake-up.</summary>
internal sealed class LinkTimer : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _due = long.MaxValue;

    public LinkTimer(TimeProvider time, Action tick)
    {
        _time = time;
        _timer = time.CreateTimer(
            _ =>
            {
                Interlocked.Exchange(ref _due, long.MaxValue);
                tick();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <param name="deadline">A timestamp of the clock.</param>
    public void Arm(long deadline)
    {
        if (deadline >= Interlocked.Read(ref _due))
        {
            return;
        }

        Interlocked.Exchange(ref _due, deadline);

        // Rounded up, so that the deadline has passed when it fires.
        var wait = _time.GetElapsedTime(_time.GetTimestamp(), deadline) + TimeSpan.FromMilliseconds(1);
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();
}
