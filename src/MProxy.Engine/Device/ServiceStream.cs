namespace MProxy.Engine.Device;

/// <summary>
/// A client's stream as a service in this process has it. The service may close it, which ends nothing yet: the client is told when the service has
/// returned. From then on it is of no use, and whoever still waits for it is told so. One reader and one writer at a time.
/// </summary>
internal sealed class ServiceStream(Stream inner) : DuplexStream
{
    private readonly CancellationTokenSource _over = new();
    private readonly object _gate = new();
    private readonly List<Task> _running = [];
    private volatile bool _isClosed;

    /// <summary>The client failed at a read or write: what the service says of that is not its own failure.</summary>
    public bool HasFailed { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(RunAsync(token => inner.ReadAsync(buffer, token).AsTask(), cancellationToken));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => new(RunAsync(
        async token =>
        {
            await inner.WriteAsync(buffer, token).ConfigureAwait(false);
            return 0;
        },
        cancellationToken));

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    /// <summary>Takes the stream from the service: what is under way ends, and nothing more begins.</summary>
    public async Task RevokeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            _isClosed = true;
            running = [.. _running];
        }

        await _over.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override void Dispose(bool disposing)
    {
        _isClosed = true;
        base.Dispose(disposing);
    }

    private async Task<int> RunAsync(Func<CancellationToken, Task<int>> transfer, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _running.Add(done.Task);
        }

        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over.Token);
            return await transfer(either.Token).ConfigureAwait(false);
        }
        catch (IOException)
        {
            HasFailed = true;
            throw;
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(done.Task);
            }

            done.SetResult();
        }
    }
}
