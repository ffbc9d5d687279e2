namespace MProxy.Engine.Link;

/// <summary>
/// Keeps a loop that always finds more from staying on a thread that others need. In a process that inlines completions, a loop goes on where the
/// system told of its bytes, and no other socket of that thread is heard until it waits. On a thread of the pool, it stands in the way of less.
/// </summary>
internal struct LoopTurn
{
    // In bytes: a millisecond's work, and a few.
    private const int Length = 1 << 20;
    private const int PoolLength = 4 << 20;

    private int _moved;

    /// <summary>The loop waits: whoever else is ready has a turn.</summary>
    public void Waited() => _moved = 0;

    /// <summary>The loop has moved so many bytes and did not wait.</summary>
    /// <returns>It is to yield to the pool now.</returns>
    public bool IsOver(int moved)
    {
        _moved += moved;
        if (_moved < (Thread.CurrentThread.IsThreadPoolThread ? PoolLength : Length))
        {
            return false;
        }

        _moved = 0;
        return true;
    }
}
