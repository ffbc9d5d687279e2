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

    /// <summary>The clients of those that run.</summary>
    public LinkClient[] Clients
    {
        get
        {
            lock (_pumps)
            {
                return [.. _pumps.Keys.Select(pump => pump.Client)];
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

    /// <summary>Runs a pump.</summary>
    public void Start(ClientPump pump, Func<Task> run)
    {
        lock (_pumps)
        {
            var running = Task.Run(() => ledger.RunAsync(run));
            _pumps.Add(pump, running);
            _ = running.ContinueWith(
                _ =>
                {
                    lock (_pumps)
                    {
                        _pumps.Remove(pump);
                    }

                    ended(pump);
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
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

    public Task WhenAllAsync()
    {
        lock (_pumps)
        {
            return Task.WhenAll(_pumps.Values);
        }
    }
}
