using System.Buffers;

namespace MProxy.Engine.Access;

/// <summary>Writes what waits in a queue, many lines at a time, until that is closed and empty. What is missing is said in a line of its own.</summary>
internal sealed class AccessLogWriter(AccessLogFile file, DroppingQueue<AccessRecord> queue, long maxFileLength)
{
    private const int BatchLength = 64 << 10;

    // A batch goes into one file as a whole.
    private readonly long _batchLength = Math.Min(BatchLength, maxFileLength);
    private readonly ArrayBufferWriter<byte> _batch = new(BatchLength + AccessLine.MaxLength);
    private int _batchRecords;
    private long _batchTold;
    private long _untold;
    private long _lost;

    /// <summary>How many were taken from the queue and could not be written.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public async Task RunAsync()
    {
        while (await queue.WaitAsync().ConfigureAwait(false))
        {
            while (queue.TryTake(out var next))
            {
                await AddDroppedAsync(next.DroppedBefore, next.Time).ConfigureAwait(false);
                await AddAsync(AccessLine.OfClient(next.Item)).ConfigureAwait(false);
                _batchRecords++;
            }

            await FinishAsync().ConfigureAwait(false);
        }

        // What was lost with the last batch is still to be told.
        await FinishAsync().ConfigureAwait(false);
    }

    private async Task FinishAsync()
    {
        var (count, time) = queue.TakeDropped();
        await AddDroppedAsync(count, time).ConfigureAwait(false);
        await FlushAsync().ConfigureAwait(false);
    }

    private async Task AddDroppedAsync(long count, DateTimeOffset time)
    {
        _untold += count;
        var now = _untold - _batchTold;
        if (now > 0)
        {
            await AddAsync(AccessLine.OfDropped(now, time)).ConfigureAwait(false);
            _batchTold += now;
        }
    }

    private async Task AddAsync(byte[] line)
    {
        if (_batch.WrittenCount + line.Length > _batchLength)
        {
            await FlushAsync().ConfigureAwait(false);
        }

        _batch.Write(line);
    }

    private async Task FlushAsync()
    {
        if (_batch.WrittenCount == 0)
        {
            return;
        }

        if (await file.TryWriteAsync(_batch.WrittenMemory, queue.IsClosed).ConfigureAwait(false))
        {
            _untold -= _batchTold;
        }
        else
        {
            _untold += _batchRecords;
            Interlocked.Add(ref _lost, _batchRecords);
        }

        _batch.ResetWrittenCount();
        _batchRecords = 0;
        _batchTold = 0;
    }
}
