namespace MProxy.Engine;

/// <summary>
/// Keeps a loop that always finds more from staying on a thread that others need. In a process that inlines completions, a loop goes on where the
/// system told of its bytes, and no other socket of that thread is heard until it waits. On a thread of the pool, it stands in the way of less.
/// </summary>
internal struct LoopTurn
{
    // In bytes: a millisecond's work, and a few.
    private const int Length = 1 << 20;
    private const int PoolLength = 4 << 20;

    // However little a step moves, this much could have been moved in its time.
    private const int LeastStep = 16 << 10;

    private int _moved;

    /// <summary>What the loop awaits next. Where that is not there yet, whoever else is ready has a turn meanwhile, and a new one begins.</summary>
    public ValueTask<T> Watch<T>(ValueTask<T> next)
    {
        BeginUnless(next.IsCompleted);
        return next;
    }

    /// <inheritdoc cref="Watch{T}"/>
    public ValueTask Watch(ValueTask next)
    {
        BeginUnless(next.IsCompleted);
        return next;
    }

    /// <summary>The loop has made a step, and awaits this: it lets go where its turn is over.</summary>
    /// <param name="bytes">What the step moved; 0 where that is something else.</param>
    public PoolYield Moved(int bytes = 0)
    {
        _moved += Math.Max(bytes, LeastStep);
        var isOver = _moved >= (Thread.CurrentThread.IsThreadPoolThread ? PoolLength : Length);
        BeginUnless(!isOver);
        return new PoolYield(isOver);
    }

    private void BeginUnless(bool goesOn) => _moved = goesOn ? _moved : 0;
}
