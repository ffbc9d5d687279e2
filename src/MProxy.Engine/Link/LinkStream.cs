namespace MProxy.Engine.Link;

/// <summary>A link's stream while it runs: its reader, which hands over what comes, and its writer. Neither knows what the bytes mean.</summary>
/// <param name="stream">The stream.</param>
/// <param name="bringsRecords">It brings a record at a time, however much there is, and its reads never hold up their caller.</param>
/// <param name="ledger">Where its loops and buffers are noted.</param>
/// <param name="receive">Takes what comes.</param>
/// <param name="writer">The writer.</param>
internal sealed class LinkStream(Stream stream, bool bringsRecords, ResourceLedger ledger, LinkStream.Receiver receive, LinkWriter writer)
{
    private const int ReadLength = 256 << 10;

    // Links are many, and most are silent: until one read fills this, it is enough.
    private const int FirstLength = 16 << 10;

    // So many reads in a row that it would have been enough for, pings among them, and it is enough again.
    private const int FewReads = 8;

    // The longest record that TLS has: behind one as long, more may be there.
    private const int RecordLength = 16 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private long _bytesIn;

    /// <summary>Takes bytes that came.</summary>
    internal delegate void Receiver(ReadOnlySpan<byte> bytes);

    public long BytesIn => Interlocked.Read(ref _bytesIn);

    /// <summary>Runs both until one ends, the stream is closed by <paramref name="close"/> then, and the other ends with it.</summary>
    /// <returns>What ended the first; null for the end of the stream.</returns>
    public async Task<Exception?> RunAsync(Func<ValueTask> close, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = Outcome(Task.Run(() => ledger.RunAsync(() => ReadAsync(stopping.Token)), CancellationToken.None));
        var writing = Outcome(Task.Run(() => ledger.RunAsync(() => writer.RunAsync(stopping.Token)), CancellationToken.None));
        var first = await Task.WhenAny(reading, writing).ConfigureAwait(false);
        await stopping.CancelAsync().ConfigureAwait(false);
        await close().ConfigureAwait(false);

        // By the real clock, and not for ever: a stream that a script made may neither cancel nor end, and is left alone then.
        await Task.WhenAny(Task.WhenAll(reading, writing), Task.Delay(Patience, CancellationToken.None)).ConfigureAwait(false);
        return await first.ConfigureAwait(false);
    }

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
        var length = FirstLength;
        var buffer = ledger.Rent(length);
        var isReading = false;
        var few = 0;
        var turn = new LoopTurn();
        try
        {
            for (int start = 0, end = 0; ;)
            {
                var reading = BeginRead(buffer.AsMemory(end, length - end), cancellationToken);
                if (start < end && !reading.IsCompletedSuccessfully)
                {
                    // What is here does not wait for what may come.
                    isReading = true;
                    receive(buffer.AsSpan(start, end - start));
                    start = end;
                }

                var count = await turn.Watch(reading).ConfigureAwait(false);
                isReading = false;
                Interlocked.Add(ref _bytesIn, count);
                end += count;
                if (bringsRecords && count == RecordLength && end + RecordLength <= length)
                {
                    continue;
                }

                receive(buffer.AsSpan(start, end - start));
                if (count == 0)
                {
                    return;
                }

                await turn.Moved(end - start);
                few = end < FirstLength ? few + 1 : 0;
                var wanted = end == length ? ReadLength : few == FewReads ? FirstLength : length;
                if (wanted != length)
                {
                    ledger.Return(buffer);
                    buffer = ledger.Rent(length = wanted);
                }

                start = end = 0;
            }
        }
        finally
        {
            if (isReading)
            {
                ledger.Forget(buffer);
            }
            else
            {
                ledger.Return(buffer);
            }
        }
    }

    private ValueTask<int> BeginRead(Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return stream.ReadAsync(target, cancellationToken);
        }
#pragma warning disable CA1031 // However it fails: what is here already is handed over first.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return ValueTask.FromException<int>(error);
        }
    }
}
