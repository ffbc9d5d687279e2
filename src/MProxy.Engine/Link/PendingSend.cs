using System.Threading.Tasks.Sources;

namespace MProxy.Engine.Link;

/// <summary>A client's wait for its turn at the link's writer; reused for every frame, so that sending allocates nothing.</summary>
internal sealed class PendingSend : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _core;

    private int _waiting;

    public ValueTask<bool> Start()
    {
        _core.Reset();
        Volatile.Write(ref _waiting, 1);
        return new ValueTask<bool>(this, _core.Version);
    }

    /// <summary>The frame was taken by the writer, or will never be. The first call counts.</summary>
    /// <param name="sent">It was taken.</param>
    /// <param name="inline">The client goes on within this call, so no lock must be held; else on a thread of the pool.</param>
    public void Complete(bool sent, bool inline = false)
    {
        if (Interlocked.Exchange(ref _waiting, 0) == 1)
        {
            _core.RunContinuationsAsynchronously = !inline;
            _core.SetResult(sent);
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
