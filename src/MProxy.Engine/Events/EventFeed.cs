using MProxy.Engine.Link;

namespace MProxy.Engine.Events;

/// <summary>
/// Hands events to handlers in order, on the pool: whoever raises one may hold a lock, and never waits for a handler. What was raised before the
/// first handler came waits for it. Past 1,000 waiting ones the oldest are dropped.
/// </summary>
internal sealed class EventFeed(object sender, TimeProvider time)
{
    private const int Capacity = 1000;

    /// <summary>Clients per second that are told of: what a relay does for thousands must not go into words that nobody reads.</summary>
    private const int ClientsPerSecond = 100;

    /// <summary>What a peer alone brings about, per second: it must not push out what somebody has to know.</summary>
    private const int PeersPerSecond = 10;

    /// <summary>How long one of a client waits for more: a way to the pool for each would slow down a relay with thousands a second.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);

    private readonly RateBucket _clients = new(() => ClientsPerSecond, TimeSpan.FromSeconds(2), time);
    private readonly Queue<Event> _waiting = new();
    private readonly RateBucket _peers = new(() => PeersPerSecond, TimeSpan.FromSeconds(2), time);
    private long _untold;
    private EventHandler<Event>? _handlers;
    private EventFeed[] _followers = [];
    private TaskCompletionSource? _draining;

    public event EventHandler<Event>? Raised
    {
        add
        {
            lock (_waiting)
            {
                _handlers += value;
                BeginDrain();
            }
        }

        remove
        {
            lock (_waiting)
            {
                _handlers -= value;
            }
        }
    }

    /// <summary>Somebody takes events, so that those of each client are worth their words.</summary>
    public bool IsWatched => Volatile.Read(ref _handlers) is not null || Array.Exists(Volatile.Read(ref _followers), follower => follower.IsWatched);

    /// <summary>Clients that were watched and peers' doings, not told of since there was too much of it.</summary>
    public long UntoldCount => Interlocked.Read(ref _untold);

    /// <summary>Done when the events so far were handed to the handlers; at once where there are none.</summary>
    public Task HandedOut
    {
        get
        {
            lock (_waiting)
            {
                return _draining?.Task ?? Task.CompletedTask;
            }
        }
    }

    public void Raise(EventKind kind, string source, string message, string? code = null) =>
        Take(new Event(time.GetUtcNow(), kind, PlainText.Of(source), new Lazy<string>(PlainText.Of(message)), Plain(code), null));

    /// <summary>Tells of something that a peer may bring about as often as it likes: 10 times a second, and what is more is counted.</summary>
    public void RaiseOfPeer(EventKind kind, string source, string message, string? code = null)
    {
        if (_peers.TryTake(1))
        {
            Raise(kind, source, message, code);
        }
        else
        {
            Interlocked.Increment(ref _untold);
        }
    }

    /// <summary>Whether one more client is to be told of, whether it comes or is refused. Not where nobody watches.</summary>
    public bool TryBeginClient()
    {
        if (!IsWatched)
        {
            return false;
        }

        if (_clients.TryTake(1))
        {
            return true;
        }

        Interlocked.Increment(ref _untold);
        return false;
    }

    /// <summary>Tells of a client. Its sentence is made when somebody reads it: clients are many, and few are read about.</summary>
    public void RaiseOfClient(EventKind kind, string source, Func<string> message, string? code, string socketId) =>
        Take(new Event(time.GetUtcNow(), kind, PlainText.Of(source), new Lazy<string>(() => PlainText.Of(message())), Plain(code), PlainText.Of(socketId)));

    /// <summary>From now on, the handlers of another feed are told too: of one that this one's sender belongs to.</summary>
    public void AddFollower(EventFeed follower)
    {
        lock (_waiting)
        {
            _followers = [.. _followers, follower];
        }
    }

    /// <summary>Takes that back.</summary>
    public void RemoveFollower(EventFeed follower)
    {
        lock (_waiting)
        {
            _followers = [.. _followers.Where(one => one != follower)];
        }
    }

    private static string? Plain(string? code) => code is null ? null : PlainText.Of(code);

    private void Take(Event happened)
    {
        // Followers too with the lock held, so that all are told in one order: they lead to nobody who leads here.
        lock (_waiting)
        {
            Array.ForEach(_followers, follower => follower.Take(happened));

            // Clients are many, and nobody wants to know later who has been.
            if (_handlers is null && happened.SocketId is not null)
            {
                return;
            }

            if (_waiting.Count == Capacity)
            {
                _waiting.Dequeue();
            }

            _waiting.Enqueue(happened);
            BeginDrain(happened.SocketId is null ? TimeSpan.Zero : Gathering);
        }
    }

    private void BeginDrain(TimeSpan delay = default)
    {
        if (_draining is null && _handlers is not null && _waiting.Count > 0)
        {
            _draining = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = delay > TimeSpan.Zero ? Task.Delay(delay).ContinueWith(_ => Drain(), TaskScheduler.Default) : Task.Run(Drain);
        }
    }

    private void Drain()
    {
        for (; ; )
        {
            Event next;
            EventHandler<Event> handlers;
            lock (_waiting)
            {
                if (_handlers is null || !_waiting.TryDequeue(out next!))
                {
                    _draining!.SetResult();
                    _draining = null;
                    return;
                }

                handlers = _handlers;
            }

            handlers.CallEach(sender, next);
        }
    }
}
