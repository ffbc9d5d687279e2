namespace MProxy.Engine.Link;

/// <summary>The two loops of a link over its stream: the reader hands over what comes, the writer sends what it can gather. Neither knows what it means.</summary>
internal sealed class LinkStream(Stream stream, ResourceLedger ledger, LinkStream.Receiver receive, LinkStream.Gatherer gather, TimeProvider time) : IDisposable
{
    private const int ReadLength = 256 << 10;
    private const int BatchLength = 256 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _work = new(0, 1);
    private long _lastPushed;
    private long _bytesIn;
    private long _bytesOut;

    /// <summary>Takes bytes that came.</summary>
    internal delegate void Receiver(ReadOnlySpan<byte> bytes);

    /// <summary>Fills a buffer with what is to be sent, and says how much that is.</summary>
    internal delegate int Gatherer(Span<byte> batch);

    public long BytesIn => Interlocked.Read(ref _bytesIn);

    public long BytesOut => Interlocked.Read(ref _bytesOut);

    /// <summary>
    /// When a send last went through that had been blocked, as a timestamp: the peer takes bytes, so it is alive, though its answer to a
    /// probe may be far behind. A send that the system just stored says nothing.
    /// </summary>
    public long LastPushed => Volatile.Read(ref _lastPushed);

    /// <summary>Runs both loops until one ends, the stream is closed by <paramref name="close"/> then, and the other ends with it.</summary>
    /// <returns>What ended the first; null for the end of the stream.</returns>
    public async Task<Exception?> RunAsync(Func<ValueTask> close, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = Outcome(Task.Run(() => ledger.RunAsync(() => ReadAsync(stopping.Token)), CancellationToken.None));
        var writing = Outcome(Task.Run(() => ledger.RunAsync(() => WriteAsync(stopping.Token)), CancellationToken.None));
        var first = await Task.WhenAny(reading, writing).ConfigureAwait(false);
        await stopping.CancelAsync().ConfigureAwait(false);
        await close().ConfigureAwait(false);

        // By the real clock, and not for ever: a stream that a script made may neither cancel nor end, and is left alone then.
        await Task.WhenAny(Task.WhenAll(reading, writing), Task.Delay(Patience, CancellationToken.None)).ConfigureAwait(false);
        return await first.ConfigureAwait(false);
    }

    /// <summary>There is something to gather.</summary>
    public void Signal()
    {
        if (_work.CurrentCount == 0)
        {
            try
            {
                _work.Release();
            }
            catch (SemaphoreFullException)
            {
                // Two signals at once: one is enough.
            }
        }
    }

    public void Dispose() => _work.Dispose();

    private static async Task<Exception?> Outcome(Task loop)
    {
        try
        {
            await loop.ConfigureAwait(false);
            return null;
        }
#pragma warning disable CA1031 // A stream that a script made fails in any way it likes: the link ends, with all its clients, and says why.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error;
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = ledger.Rent(ReadLength);
        try
        {
            for (int count; (count = await stream.ReadAsync(buffer.AsMemory(0, ReadLength), cancellationToken).ConfigureAwait(false)) > 0;)
            {
                Interlocked.Add(ref _bytesIn, count);
                receive(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            ledger.Return(buffer);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        for (; ; )
        {
            await _work.WaitAsync(cancellationToken).ConfigureAwait(false);

            // An idle link holds no buffer to write from.
            var batch = ledger.Rent(BatchLength);
            try
            {
                for (int length; (length = gather(batch.AsSpan(0, BatchLength))) > 0;)
                {
                    var started = time.GetTimestamp();
                    await stream.WriteAsync(batch.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
                    Interlocked.Add(ref _bytesOut, length);
                    if (time.GetElapsedTime(started) >= Blocked)
                    {
                        Volatile.Write(ref _lastPushed, time.GetTimestamp());
                    }
                }
            }
            finally
            {
                ledger.Return(batch);
            }
        }
    }
}
