namespace MProxy.Engine.Link;

/// <summary>The pumps of a link that run, also of clients that have ended and whose last bytes are still being delivered.</summary>
internal sealed class PumpSet(ResourceLedger ledger, Action<ClientPump> ended)
{
    private readonly Dictionary<ClientPump, Task> _pumps = [];

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
            return _pumps.ContainsKey(pump);
        }
    }

    /// <summary>Runs a pump. Whoever waits for it waits for what its end brings, too.</summary>
    public void Start(ClientPump pump, Func<Task> run)
    {
        lock (_pumps)
        {
            _pumps.Add(pump, Task.Run(() => RunAsync(pump, run)));
        }
    }

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
            pumps = [.. _pumps.Keys];
        }

        foreach (var pump in pumps)
        {
            action(pump);
        }
    }

    /// <summary>Done when those that run now have ended, in whatever way: their clients were told.</summary>
    public async Task WhenAllAsync()
    {
        Task all;
        lock (_pumps)
        {
            all = Task.WhenAll(_pumps.Values);
        }

        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync(ClientPump pump, Func<Task> run)
    {
        try
        {
            await ledger.RunAsync(run).ConfigureAwait(false);
        }
        finally
        {
            ended(pump);
        }
    }
}
