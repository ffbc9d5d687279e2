using System.Runtime.ExceptionServices;

namespace MProxy.Engine;

/// <summary>The tasks that an object owns, so that its end can wait for theirs.</summary>
internal sealed class TaskSet(ResourceLedger ledger)
{
    private readonly HashSet<Task> _tasks = [];
    private Exception? _failure;

    public void Run(Func<Task> work)
    {
        var task = Task.Run(() => ledger.RunAsync(work));
        lock (_tasks)
        {
            _tasks.Add(task);
        }

        _ = task.ContinueWith(Remove, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Done when no task is left. The first failure of any is thrown then, however long ago it was.</summary>
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
                if (_failure is not null)
                {
                    ExceptionDispatchInfo.Throw(_failure);
                }

                return;
            }

            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Remove(Task task)
    {
        lock (_tasks)
        {
            _tasks.Remove(task);
            _failure ??= task.Exception?.InnerException;
        }
    }
}
