namespace MProxy.Engine.Tests.Sessions;

/// <summary>A stream whose writes can be held up: they go on when it is let go, or end with their token.</summary>
internal sealed class HeldStream(Stream inner) : WrappedStream(inner)
{
    private volatile TaskCompletionSource? _held;

    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo() => Interlocked.Exchange(ref _held, null)?.SetResult();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_held is { } held)
        {
            await held.Task.WaitAsync(cancellationToken);
        }

        await base.WriteAsync(buffer, cancellationToken);
    }
}
