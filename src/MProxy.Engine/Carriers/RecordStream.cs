using System.Runtime.CompilerServices;

namespace MProxy.Engine.Carriers;

/// <summary>
/// Lies below TLS, which writes and reads a record of 16 KiB at a time: what is written in one go goes to the system in one, and where much comes, much is
/// read at once. One reader and one writer at a time; owns the stream below. A silent link holds no buffer here.
/// </summary>
internal sealed class RecordStream(Stream inner, ResourceLedger ledger) : DuplexStream
{
    private const int BufferLength = 128 << 10;

    private byte[]? _gathered;
    private int _gatheredLength;
    private byte[]? _ahead;
    private int _start;
    private int _end;
    private bool _isReading;
    private bool _isBusy;
    private bool _isDisposed;

    /// <summary>Keeps what is written until <see cref="SendGatheredAsync"/>.</summary>
    public void Gather() => _gathered = ledger.Rent(BufferLength);

    /// <summary>Sends what was kept, and keeps no more.</summary>
    public async ValueTask SendGatheredAsync(bool isWhole, CancellationToken cancellationToken)
    {
        try
        {
            if (isWhole)
            {
                await DrainAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            var buffer = _gathered!;
            (_gathered, _gatheredLength) = (null, 0);
            ledger.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start < _end && !buffer.IsEmpty)
        {
            return new ValueTask<int>(TakeAhead(buffer));
        }

        return _isBusy && !buffer.IsEmpty ? ReadAheadAsync(buffer, cancellationToken) : ReadPlainAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_gathered is null)
        {
            return inner.WriteAsync(buffer, cancellationToken);
        }

        if (buffer.Length > BufferLength - _gatheredLength)
        {
            return WriteFullAsync(buffer, cancellationToken);
        }

        Keep(buffer);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            lock (inner)
            {
                _isDisposed = true;
                if (!_isReading)
                {
                    DropAhead();
                }
            }
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadPlainAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);

        // There is more than was asked for.
        _isBusy = count == buffer.Length && count > 0;
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadAheadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        byte[] ahead;
        lock (inner)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            ahead = _ahead ??= ledger.Rent(BufferLength);
            _isReading = true;
        }

        try
        {
            (_start, _end) = (0, await inner.ReadAsync(ahead.AsMemory(0, BufferLength), cancellationToken).ConfigureAwait(false));
            return TakeAhead(buffer);
        }
        finally
        {
            lock (inner)
            {
                _isReading = false;
                if (_isDisposed)
                {
                    DropAhead();
                }
            }
        }
    }

    private int TakeAhead(Memory<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _end - _start);
        _ahead.AsSpan(_start, count).CopyTo(buffer.Span);
        _start += count;
        if (_start == _end)
        {
            // Where little came, no more is expected soon.
            _isBusy = _end > BufferLength / 4;
            lock (inner)
            {
                if (!_isBusy && !_isReading)
                {
                    DropAhead();
                }
            }
        }

        return count;
    }

    private void DropAhead()
    {
        if (_ahead is { } buffer)
        {
            _ahead = null;
            _start = _end = 0;
            ledger.Return(buffer);
        }
    }

    private async ValueTask WriteFullAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await DrainAsync(cancellationToken).ConfigureAwait(false);
        if (buffer.Length > BufferLength)
        {
            await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            Keep(buffer);
        }
    }

    private async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        var length = _gatheredLength;
        _gatheredLength = 0;
        if (length > 0)
        {
            await inner.WriteAsync(_gathered.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        }
    }

    private void Keep(ReadOnlyMemory<byte> buffer)
    {
        buffer.Span.CopyTo(_gathered.AsSpan(_gatheredLength));
        _gatheredLength += buffer.Length;
    }
}
