namespace MProxy.Engine.Tests.Capture;

/// <summary>A disk that takes nothing until it is released, and may be full at some point. What it took can be read after its end.</summary>
internal sealed class StuckStream : MemoryStream
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _written;

    /// <summary>Done when somebody waits for it.</summary>
    public Task Reached => _reached.Task;

    public long FailsFrom { get; init; } = long.MaxValue;

    public override long Length => Interlocked.Read(ref _written);

    public void Release() => _released.TrySetResult();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _reached.TrySetResult();
        await _released.Task.WaitAsync(cancellationToken);
        var room = (int)Math.Min(buffer.Length, FailsFrom - _written);
        await base.WriteAsync(buffer[..room], cancellationToken);
        Interlocked.Add(ref _written, room);
        if (room < buffer.Length)
        {
            throw new IOException("There is no space left.");
        }
    }
}
