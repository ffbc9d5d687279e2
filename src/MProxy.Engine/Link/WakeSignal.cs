using System.Threading.Tasks.Sources;

namespace MProxy.Engine.Link;

/// <summary>
/// One loop waits until another thread has something for it. A signal that nobody waits for is kept for the next wait; more of them are one.
/// Waiting allocates nothing.
/// </summary>
internal sealed class WakeSignal : IValueTaskSource
{
    private readonly object _gate = new();
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _isWaiting;
    private bool _isSignalled;

    /// <summary>Waits for a signal. One at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_isSignalled)
            {
                _isSignalled = false;
                return ValueTask.CompletedTask;
            }

            _core.Reset();
            _isWaiting = true;
            return new ValueTask(this, _core.Version);
        }
    }

    /// <summary>Wakes the loop.</summary>
    /// <param name="inline">It goes on within this call: no lock must be held that it takes. Else on a thread of the pool.</param>
    public void Set(bool inline)
    {
        lock (_gate)
        {
            if (!_isWaiting)
            {
                _isSignalled = true;
                return;
            }

            _isWaiting = false;
            _core.RunContinuationsAsynchronously = !inline;
        }

        _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
