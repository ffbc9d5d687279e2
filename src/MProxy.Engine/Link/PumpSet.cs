namespace MProxy.Engine.Link;

/// <summary>The pumps of a link that run, also of clients that have ended and whose last bytes are still being delivered.</summary>
internal sealed class PumpSet(ResourceLedger ledger, Action<ClientPump> ended)
{
    private readonly HashSet<ClientPump> _pumps = [];
    private readonly TaskCompletionSource _noneLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isClosed;

    // More than there are pumps where the end of some is being told.
    private int _running;

    public int Count
    {
        get
        {
            lock (_pumps)
            {
                return _pumps.Count;
            }
        }
    }

    public bool Contains(ClientPump pump)
    {
        lock (_pumps)
        {
            return _pumps.Contains(pump);
        }
    }

    /// <summary>Notes a pump, for which <see cref="Run"/> is called next.</summary>
    public void Add(ClientPump pump)
    {
        lock (_pumps)
        {
            _pumps.Add(pump);
            _running++;
        }
    }

    /// <summary>Runs a pump, on the caller's thread until it waits: no lock must be held. One that may take long runs on the pool from the start.</summary>
    public void Run(ClientPump pump, Func<Task> run) => _ = pump.IsQuick ? RunAsync(pump, run) : Task.Run(() => RunAsync(pump, run));

    /// <summary>One that has ended is waited for no more. Whoever is told of its end takes it out, together with what that end brings.</summary>
    public void Remove(ClientPump pump)
    {
        lock (_pumps)
        {
            _pumps.Remove(pump);
        }
    }

    /// <summary>Does something to every pump that runs.</summary>
    public void ForEach(Action<ClientPump> action)
    {
        ClientPump[] pumps;
        lock (_pumps)
        {
            pumps = [.. _pumps];
        }

        foreach (var pump in pumps)
        {
            action(pump);
        }
    }

    /// <summary>Done when all have ended, in whatever way, and their clients were told. None is added from now on.</summary>
    public Task CloseAsync()
    {
        lock (_pumps)
        {
            _isClosed = true;
            TellIfNoneLeft();
            return _noneLeft.Task;
        }
    }

    private async Task RunAsync(ClientPump pump, Func<Task>? run)
    {
        ledger.BeginLoop();
        try
        {
            // What it was begun with is not kept while it runs: silent clients may be many.
            var running = run!();
            run = null;
            await running.ConfigureAwait(false);
        }
        finally
        {
            ledger.EndLoop();
            try
            {
                ended(pump);
            }
            finally
            {
                // Whatever those who are told make of it: the link's end waits for this.
                lock (_pumps)
                {
                    _running--;
                    TellIfNoneLeft();
                }
            }
        }
    }

    private void TellIfNoneLeft()
    {
        if (_isClosed && _running == 0)
        {
            _noneLeft.TrySetResult();
        }
    }
}
