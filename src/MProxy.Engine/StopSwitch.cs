using System.Diagnostics.CodeAnalysis;

namespace MProxy.Engine;

/// <summary>
/// Stops something once, away from whoever asks, who may hold a lock. Asked again, a stop without patience cuts the drain of the
/// first short.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and a late stop may still look at it: it is left to the collector.")]
internal sealed class StopSwitch
{
    private readonly object _gate = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _stopping;

    /// <summary>Somebody has asked.</summary>
    public bool IsOn
    {
        get
        {
            lock (_gate)
            {
                return _stopping is not null;
            }
        }
    }

    /// <summary>It is over.</summary>
    public bool IsDone => _done.Task.IsCompleted;

    /// <summary>Done when it is over, however it went.</summary>
    public Task Done => _done.Task;

    /// <summary>Waits for the last client or word of one, but no longer than a drain allows.</summary>
    public static async Task DrainAsync(Task idle, TimeSpan drain, TimeProvider time, CancellationToken hurry)
    {
        try
        {
            await idle.WaitAsync(drain, time, hurry).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            // Long enough.
        }
    }

    /// <param name="stop">Does it, waiting for clients until its token is cancelled at most.</param>
    /// <param name="drain">How long clients may take to finish.</param>
    /// <param name="cancellationToken">Cuts the drain short; the stop itself goes on.</param>
    public async Task StopAsync(Func<CancellationToken, Task> stop, TimeSpan drain, CancellationToken cancellationToken)
    {
        Task stopping;
        lock (_gate)
        {
            stopping = _stopping ??= Task.Run(() => RunAsync(stop), CancellationToken.None);
        }

        if (drain <= TimeSpan.Zero)
        {
            await _hurry.CancelAsync().ConfigureAwait(false);
        }

        var hurrying = cancellationToken.UnsafeRegister(static hurry => _ = ((CancellationTokenSource)hurry!).CancelAsync(), _hurry);
        await using (hurrying.ConfigureAwait(false))
        {
            await stopping.ConfigureAwait(false);
        }
    }

    private async Task RunAsync(Func<CancellationToken, Task> stop)
    {
        try
        {
            await stop(_hurry.Token).ConfigureAwait(false);
        }
        finally
        {
            _done.SetResult();
        }
    }
}
