using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy;

/// <summary>
/// A relay or tunnel as a job of the session: Get-Job lists it, Receive-Job gives its events, Wait-Job waits for its end, Stop-Job ends it at once
/// and Remove-Job takes it away. Stop-MProxyRelay and Stop-MProxyTunnel let its clients finish first.
/// </summary>
public abstract class SessionJob : Job, IDrainable
{
    /// <summary>Events that are kept for Receive-Job.</summary>
    internal const int MaxEvents = 1000;

    // A handler that hangs holds up events, and must not hold up a stop.
    private static readonly TimeSpan EventPatience = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly ISession _session;
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

    /// <summary>What happens to it, its links and their clients. Handlers run on the pool, one event at a time.</summary>
    public event EventHandler<Event>? EventRaised;

    /// <summary>Events that Receive-Job does not give any more, since more than 1,000 came after them.</summary>
    public long DroppedEventCount { get; private set; }

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

    /// <summary>It was told to stop, and its clients may still finish.</summary>
    internal bool IsDraining => JobStateInfo.State == JobState.Stopping;

    /// <summary>It has ended for good, and the last of its events was taken.</summary>
    internal bool IsOver
    {
        get
        {
            lock (_gate)
            {
                return _isOver;
            }
        }
    }

    /// <summary>Done when it has ended for good.</summary>
    internal Task Ended => _session.Ended;

    /// <inheritdoc/>
    public override string StatusMessage => $"{LinkCount} links, {ClientCount} clients";

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0;

    /// <summary>Ends it at once, and its clients with it. Stop-Job does this.</summary>
    public override void StopJob() => StopAsync().GetAwaiter().GetResult();

    /// <summary>Ends it: no new clients, running ones for as long as <paramref name="drain"/> allows, then the end. Asked again without, the drain is cut short.</summary>
    public async Task StopAsync(TimeSpan drain = default, CancellationToken cancellationToken = default)
    {
        if (Begin(ref _isStopping))
        {
            SetJobState(JobState.Stopping);
        }

        try
        {
            await _session.StopAsync(drain, cancellationToken).ConfigureAwait(false);
            await TakeEventsAsync().ConfigureAwait(false);
        }
        finally
        {
            _session.EventRaised -= Take;
            Forget();
            if (Begin(ref _isOver))
            {
                SetJobState(JobState.Stopped);
            }
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
            await TakeEventsAsync().ConfigureAwait(false);
            lock (_gate)
            {
                if (_isStopping)
                {
                    return;
                }
            }

            if (Begin(ref _isOver))
            {
                if (_session.Failure is { } failure)
                {
                    Error.Add(ErrorRecords.TunnelFailed(failure, Name));
                }

                SetJobState(_session.Failure is null ? JobState.Completed : JobState.Failed);
            }
        }
        catch (Exception)
        {
        }
    }

    private async Task TakeEventsAsync() => await _session.EventsHandedOut.WaitAsync(EventPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>True for the first who comes.</summary>
    private bool Begin(ref bool flag)
    {
        lock (_gate)
        {
            var isFirst = !flag && !_isOver;
            flag = true;
            return isFirst;
        }
    }

    private void Take(object? sender, Event happened)
    {
        // The lock of the collection itself: Receive-Job takes events out meanwhile.
        lock (((ICollection)Output).SyncRoot)
        {
            while (Output.Count >= MaxEvents)
            {
                Output.RemoveAt(0);
                DroppedEventCount++;
            }
        }

        Output.Add(PSObject.AsPSObject(happened));
        EventRaised?.Invoke(this, happened);
    }
}
