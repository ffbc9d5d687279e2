using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Threading.Channels;
using MProxy.Engine;
using MProxy.Engine.Events;
using MProxy.Internal;

namespace MProxy;

/// <summary>
/// A relay or tunnel as a job of the session: Get-Job lists it, Receive-Job gives its events, Wait-Job waits for its end, Stop-Job ends it at once
/// and Remove-Job takes it away. Stop-MProxyRelay and Stop-MProxyTunnel let its clients finish first.
/// </summary>
public abstract class SessionJob : Job, IDrainable
{
    /// <summary>Events that are kept for Receive-Job, and those that wait for handlers.</summary>
    internal const int MaxEvents = 1000;

    // Held while the state changes, so that it goes forward alone.
    private readonly object _moving = new();
    private readonly object _gate = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ISession _session;
    private EventHandler<Event>? _handlers;
    private Channel<Event>? _toHandlers;
    private long _dropped;
    private bool _isStopping;
    private bool _isOver;

    private protected SessionJob(ISession session, string command, string jobTypeName)
        : base(command, session.Name)
    {
        _session = session;
        PSJobTypeName = jobTypeName;
        SetJobState(JobState.Running);
        session.EventRaised += Take;
        _ = WatchAsync();
    }

    /// <summary>
    /// What happens to it, its links and their clients. Handlers run on the pool, one event at a time. Past 1,000 that wait for a handler, the oldest
    /// are dropped.
    /// </summary>
    public event EventHandler<Event>? EventRaised
    {
        add
        {
            lock (_gate)
            {
                _handlers += value;
                if (_toHandlers is null)
                {
                    // Apart from the session's own way of telling, so that a slow handler holds up neither Receive-Job nor a stop.
                    _toHandlers = Channel.CreateBounded<Event>(new BoundedChannelOptions(MaxEvents) { FullMode = BoundedChannelFullMode.DropOldest });
                    _ = TellHandlersAsync(_toHandlers.Reader);
                }
            }
        }

        remove
        {
            lock (_gate)
            {
                _handlers -= value;
            }
        }
    }

    /// <summary>Events that Receive-Job does not give any more: of more than 1,000 the oldest that tell of clients, and then the oldest, are dropped. Clients beyond 100 a second, which are told of nowhere, count too.</summary>
    public long DroppedEventCount => _dropped + _session.UntoldEventCount;

    /// <summary>What it serves, in short: the open ports of a relay, the services of a tunnel.</summary>
    public abstract string Serves { get; }

    /// <summary>How many clients are on its links.</summary>
    public abstract int ClientCount { get; }

    /// <summary>How many of its links are up.</summary>
    public abstract int LinkCount { get; }

    /// <summary>Bytes received over its links since the start.</summary>
    public abstract long BytesIn { get; }

    /// <summary>Bytes sent over its links since the start.</summary>
    public abstract long BytesOut { get; }

    /// <summary>How long a message over its slowest link and back takes, as last measured; null while none is up.</summary>
    public abstract TimeSpan? RoundTrip { get; }

    /// <inheritdoc/>
    public override string StatusMessage => $"{LinkCount} {(LinkCount == 1 ? "link" : "links")}, {ClientCount} {(ClientCount == 1 ? "client" : "clients")}";

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0;

    /// <summary>It was stopped as a job: it stays in the job table until Remove-Job takes it out.</summary>
    internal bool WasStoppedAsJob { get; private set; }

    /// <summary>Its clients may finish even when its session is closed meanwhile.</summary>
    internal bool MayFinish { get; set; }

    /// <summary>It has ended for good, and the last of its events was taken.</summary>
    internal bool IsOver
    {
        get
        {
            lock (_moving)
            {
                return _isOver;
            }
        }
    }

    /// <summary>Done then, with its last state.</summary>
    internal Task Over => _over.Task;

    /// <summary>Ends it at once, and its clients with it. Stop-Job does this.</summary>
    public override void StopJob()
    {
        WasStoppedAsJob = true;
        StopAsync().GetAwaiter().GetResult();
    }

    /// <summary>Ends it: no new clients, running ones for as long as <paramref name="drain"/> allows, then the end. Asked again without, the drain is cut short.</summary>
    public async Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default)
    {
        Move(JobState.Stopping);
        try
        {
            await _session.StopAsync(drain, cancellationToken).ConfigureAwait(false);
            await _session.EventsHandedOut.ConfigureAwait(false);
        }
        finally
        {
            _session.EventRaised -= Take;
            Forget();
            Move(JobState.Stopped);
        }
    }

    /// <summary>Its name is free again.</summary>
    private protected abstract void Forget();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            StopJob();
            JobTables.Remove(this);
            _toHandlers?.Writer.TryComplete();
        }

        base.Dispose(disposing);
    }

    /// <summary>One that nobody has stopped may end all the same: it has failed then, or its stream is over.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Nobody waits for this; what can fail is the handler of a script behind the state.")]
    private async Task WatchAsync()
    {
        try
        {
            await _session.Ended.ConfigureAwait(false);
            await _session.EventsHandedOut.ConfigureAwait(false);
            Move(_session.Failure is null ? JobState.Completed : JobState.Failed);
        }
        catch (Exception)
        {
        }
    }

    /// <summary>Running, Stopping, Stopped; or from Running to Failed or Completed. Whatever else comes is too late.</summary>
    private void Move(JobState next)
    {
        lock (_moving)
        {
            if (_isOver || (_isStopping && next != JobState.Stopped))
            {
                return;
            }

            _isStopping |= next == JobState.Stopping;
            if (next == JobState.Failed)
            {
                Error.Add(ErrorRecords.TunnelFailed(_session.Failure!, Name));
            }

            _isOver = next != JobState.Stopping;
            SetJobState(next);
            if (_isOver)
            {
                _over.SetResult();
            }
        }
    }

    private void Take(object? sender, Event happened)
    {
        // The lock of the collection itself: Receive-Job takes events out meanwhile.
        lock (((ICollection)Output).SyncRoot)
        {
            while (Output.Count >= MaxEvents)
            {
                Output.RemoveAt(LeastTelling());
                _dropped++;
            }
        }

        Output.Add(PSObject.AsPSObject(happened));
        _toHandlers?.Writer.TryWrite(happened);
    }

    /// <summary>Clients come and go by the thousand: they must not push away why a link was lost.</summary>
    private int LeastTelling()
    {
        for (var index = 0; index < Output.Count; index++)
        {
            if (Output[index].BaseObject is Event { Kind: EventKind.ClientOpened or EventKind.ClientClosed or EventKind.ClientRefused })
            {
                return index;
            }
        }

        return 0;
    }

    private async Task TellHandlersAsync(ChannelReader<Event> events)
    {
        await foreach (var happened in events.ReadAllAsync().ConfigureAwait(false))
        {
            _handlers.CallEach(this, happened);
        }
    }
}
