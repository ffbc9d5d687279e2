namespace MProxy.Benchmarks.Load;

/// <summary>Threads that may block, and that nobody waits for at the end.</summary>
internal static class LoadThread
{
    private const int StackLength = 256 << 10;

    public static Thread Start(Action work)
    {
        var thread = new Thread(() => work(), StackLength) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
