namespace MProxy.Engine.Events;

/// <summary>
/// Hands events to handlers in order, on the pool: whoever raises one may hold a lock, and never waits for a handler. Past 1,000
/// waiting ones the oldest are dropped.
/// </summary>
internal sealed class EventFeed(object sender, TimeProvider time)
{
    private const int Capacity = 1000;

    private readonly Queue<Event> _waiting = new();
    private bool _isDraining;

    public event EventHandler<Event>? Raised;

    public void Raise(EventKind kind, string source, string message, string? code = null) =>
        Forward(new Event(time.GetUtcNow(), kind, source, message, code));

    /// <summary>Passes on an event of something that this one owns.</summary>
    public void Forward(Event happened)
    {
        if (Raised is null)
        {
            return;
        }

        lock (_waiting)
        {
            if (_waiting.Count == Capacity)
            {
                _waiting.Dequeue();
            }

            _waiting.Enqueue(happened);
            if (_isDraining)
            {
                return;
            }

            _isDraining = true;
        }

        _ = Task.Run(Drain);
    }

    private void Drain()
    {
        for (; ; )
        {
            Event next;
            lock (_waiting)
            {
                if (!_waiting.TryDequeue(out next!))
                {
                    _isDraining = false;
                    return;
                }
            }

            foreach (var handler in Raised?.GetInvocationList() ?? [])
            {
                try
                {
                    ((EventHandler<Event>)handler)(sender, next);
                }
#pragma warning disable CA1031 // A handler's failure is its own: the others, and the link, go on.
                catch (Exception)
#pragma warning restore CA1031
                {
                }
            }
        }
    }
}
