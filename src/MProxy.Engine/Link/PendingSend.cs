using System.Threading.Tasks.Sources;

namespace MProxy.Engine.Link;

/// <summary>The one frame of a client that waits for the link's writer; reused for every frame, so that sending allocates nothing.</summary>
internal sealed class PendingSend : IValueTaskSource<bool>
{
    // The link's writer must not run a client's code.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    private int _waiting;

    /// <summary>Header and body, contiguous; empty where nothing waits.</summary>
    public ReadOnlyMemory<byte> Frame { get; private set; }

    public ValueTask<bool> Start(ReadOnlyMemory<byte> frame)
    {
        _core.Reset();
        Frame = frame;
        Volatile.Write(ref _waiting, 1);
        return new ValueTask<bool>(this, _core.Version);
    }

    /// <summary>The frame was taken by the writer, or will never be. The first call counts.</summary>
    public void Complete(bool sent)
    {
        if (Interlocked.Exchange(ref _waiting, 0) == 1)
        {
            Frame = default;
            _core.SetResult(sent);
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
