namespace MProxy.Engine.Link;

/// <summary>
/// Sends what a link can gather. Whoever made it ready sends it at once, on its own thread, where nobody is sending: a keystroke need not
/// wait until a thread wakes up for it. Whoever finds another sending leaves it to that one.
/// </summary>
/// <param name="stream">Where it goes.</param>
/// <param name="canBlock">The stream was made elsewhere, and may hold up its caller: only threads of the pool write to it.</param>
/// <param name="ledger">Where buffers are noted.</param>
/// <param name="pace">How much is sent at once.</param>
/// <param name="gather">Fills a buffer with what is to be sent next, and says how much that is.</param>
/// <param name="gathered">Told when what was gathered is on its way, with no lock held.</param>
/// <param name="time">The clock.</param>
internal sealed class LinkWriter(Stream stream, bool canBlock, ResourceLedger ledger, SendPace pace, LinkWriter.Gatherer gather, Action gathered, TimeProvider time)
{
    private const int NotRunning = 0;
    private const int Idle = 1;
    private const int Writing = 2;

    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(100);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationToken _stopping;
    private int _state = NotRunning;
    private int _isSignalled;
    private long _lastPushed;
    private LoopTurn _turn;
    private long _bytesOut;

    /// <summary>Fills a buffer with what is to be sent, and says how much that is.</summary>
    /// <param name="batch">The buffer: longer than the longest frame of a client, so that any fits.</param>
    /// <param name="enough">Once there is as much, in bytes, the rest is left for the next send.</param>
    internal delegate int Gatherer(Span<byte> batch, int enough);

    public long BytesOut => Interlocked.Read(ref _bytesOut);

    /// <summary>
    /// When a send last went through that had been blocked, as a timestamp: the peer takes bytes, so it is alive, though its answer to a
    /// probe may be far behind. A send that the system just stored says nothing.
    /// </summary>
    public long LastPushed => Volatile.Read(ref _lastPushed);

    /// <summary>Sends until the stream fails, or it is cancelled and no send is under way.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _stopping = cancellationToken;
        Interlocked.Exchange(ref _state, Idle);
        Push();
        using var registration = cancellationToken.UnsafeRegister(static writer => ((LinkWriter)writer!).Stop(), this);
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>There is something to gather. Nothing is sent yet: a lock may be held.</summary>
    public void Signal() => Interlocked.Exchange(ref _isSignalled, 1);

    /// <summary>Sends what was signalled. Returns without waiting, and must not be called with a lock held that gathering takes.</summary>
    public void Push()
    {
        if (!TryBegin())
        {
            return;
        }

        if (canBlock)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static writer => _ = writer.WriteAsync(), this, preferLocal: false);
        }
        else
        {
            _ = WriteAsync();
        }
    }

    private bool TryBegin() => Volatile.Read(ref _isSignalled) == 1 && Interlocked.CompareExchange(ref _state, Writing, Idle) == Idle;

    private void Stop()
    {
        if (Interlocked.CompareExchange(ref _state, NotRunning, Idle) == Idle)
        {
            _ended.TrySetCanceled(_stopping);
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            do
            {
                await SendGatheredAsync().ConfigureAwait(false);

                // With a full fence: what is signalled now is seen either here, or by whoever signals and finds nobody writing.
                Interlocked.Exchange(ref _state, Idle);
            }
            while (TryBegin());

            if (_stopping.IsCancellationRequested)
            {
                Stop();
            }
        }
#pragma warning disable CA1031 // A stream that a script made fails in any way it likes: the link ends, with all its clients, and says why.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _ended.TrySetException(error);
        }
    }

    private async Task SendGatheredAsync()
    {
        // An idle link holds no buffer to write from.
        var batch = ledger.Rent(SendPace.Most);
        try
        {
            Interlocked.Exchange(ref _isSignalled, 0);
            for (; ; )
            {
                var length = gather(batch.AsSpan(0, SendPace.Most), pace.Length);
                if (length == 0)
                {
                    return;
                }

                var started = time.GetTimestamp();
                var writing = stream.WriteAsync(batch.AsMemory(0, length), _stopping);

                // Before clients go on, which may take longer than the link.
                TimeSpan? took = writing.IsCompleted ? time.GetElapsedTime(started) : null;
                gathered();
                await _turn.Watch(writing).ConfigureAwait(false);
                Interlocked.Add(ref _bytesOut, length);
                took ??= time.GetElapsedTime(started);
                pace.Sent(length, took.Value);
                if (took >= Blocked)
                {
                    Volatile.Write(ref _lastPushed, time.GetTimestamp());
                }

                // This thread may have work of its own: the rest is the pool's then.
                await _turn.Moved(length);
            }
        }
        finally
        {
            ledger.Return(batch);
        }
    }
}
