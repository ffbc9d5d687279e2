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

    /// <summary>The loop waits: whoever else is ready has a turn.</summary>
    public void Waited() => _moved = 0;

    /// <summary>The loop has made a step and did not wait.</summary>
    /// <param name="moved">The bytes of it; 0 where it moves something else.</param>
    /// <returns>It is to let go now, by <see cref="PoolYield"/>.</returns>
    public bool IsOver(int moved = 0)
    {
        _moved += Math.Max(moved, LeastStep);
        if (_moved < (Thread.CurrentThread.IsThreadPoolThread ? PoolLength : Length))
        {
            return false;
        }

        _moved = 0;
        return true;
    }
}
