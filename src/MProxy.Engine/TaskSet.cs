namespace MProxy.Engine;

/// <summary>The tasks that an object owns, so that its end can wait for theirs.</summary>
internal sealed class TaskSet(ResourceLedger ledger)
{
    private readonly HashSet<Task> _tasks = [];

    public void Run(Func<Task> work)
    {
        var task = Task.Run(() => ledger.RunAsync(work));
        lock (_tasks)
        {
            _tasks.Add(task);
        }

        _ = task.ContinueWith(Remove, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Done when no task is left; a failure of any is thrown.</summary>
    public async Task WhenEmptyAsync()
    {
        for (; ; )
        {
            Task[] running;
            lock (_tasks)
            {
                running = [.. _tasks];
            }

            if (running.Length == 0)
            {
                return;
            }

            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    private void Remove(Task task)
    {
        lock (_tasks)
        {
            _tasks.Remove(task);
        }
    }
}
