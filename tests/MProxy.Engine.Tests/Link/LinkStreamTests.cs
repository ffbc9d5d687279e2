using System.Buffers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Link;

/// <summary>How a link's bytes are read: in runs as long as they are there, and none waits for what may come.</summary>
public sealed class LinkStreamTests : IDisposable
{
    private const int Record = 16 << 10;

    private readonly ResourceLedger _ledger = new();
    private readonly PieceStream _stream = new();
    private readonly List<int> _received = [];
    private readonly CancellationTokenSource _stopping = new();
    private int _told;

    public void Dispose()
    {
        _stopping.Dispose();
        _stream.Dispose();
    }

    [Fact]
    public async Task Records_that_are_there_are_handed_over_together()
    {
        _stream.Bring(Enumerable.Repeat(Record, 20).Append(100).Append(0));
        Assert.Null(await RunAsync());

        // The first fills the small buffer that silent links have.
        Assert.Equal([Record, 16 * Record, (3 * Record) + 100, 0], _received);
        Assert.Equal((20 * Record) + 100, _told);
    }

    [Fact]
    public async Task A_link_that_is_quiet_again_has_the_small_buffer_again()
    {
        int[] burst = [.. Enumerable.Repeat(Record, 3)];
        _stream.Bring([.. burst, .. Enumerable.Repeat(100, 7), .. burst, .. Enumerable.Repeat(100, 9), .. burst, 0]);
        Assert.Null(await RunAsync());

        // Each burst ends with the first 100 bytes behind it. Six small reads are not enough, and eight are.
        Assert.Equal(
            [Record, (2 * Record) + 100, .. Enumerable.Repeat(100, 6), (3 * Record) + 100, .. Enumerable.Repeat(100, 8), Record, 2 * Record],
            _received);
    }

    [Fact]
    public async Task What_is_here_does_not_wait_for_what_may_come()
    {
        _stream.Bring([Record, Record]);
        var running = RunAsync();
        await Until.TrueAsync(() => Received == 2 * Record);
        _stream.Bring([Record]);
        await Until.TrueAsync(() => Received == 3 * Record);
        _stream.Bring([7]);
        await Until.TrueAsync(() => Received == (3 * Record) + 7);
        _stream.Bring([0]);
        Assert.Null(await running);
        Assert.Equal(0, _ledger.Buffers);
    }

    [Fact]
    public async Task A_stream_whose_reads_may_block_is_asked_for_more_only_when_all_is_handed_over()
    {
        _stream.Bring([Record, Record, 0]);
        Assert.Null(await RunAsync(bringsRecords: false));
        Assert.Equal([Record, Record, 0], _received);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failure_behind_them_loses_none(bool isThrown)
    {
        _stream.Bring([Record]);
        _stream.Fail(new IOException("cut"), isThrown);
        Assert.Equal("cut", Assert.IsType<IOException>(await RunAsync()).Message);
        Assert.Equal(Record, Received);
        Assert.Equal(0, _ledger.Buffers);
    }

    [Fact]
    public async Task A_buffer_that_is_still_read_into_does_not_go_back_to_the_pool()
    {
        _stream.Bring([Record, Record]);
        Assert.IsType<InvalidOperationException>(await RunAsync(() =>
        {
            if (Received > Record)
            {
                throw new InvalidOperationException("wrong bytes");
            }
        }));
        Assert.Equal(0, _ledger.Buffers);
        var late = _stream.Target;
        var next = ArrayPool<byte>.Shared.Rent(late.Length);
        Assert.False(late.Span.Overlaps(next));
        ArrayPool<byte>.Shared.Return(next);
    }

    private int Received
    {
        get
        {
            lock (_received)
            {
                return _received.Sum();
            }
        }
    }

    private async Task<Exception?> RunAsync(Action? also = null, bool bringsRecords = true)
    {
        var writer = new LinkWriter(_stream, canBlock: false, _ledger, new SendPace(), (_, _) => 0, () => { }, TimeProvider.System);
        var link = new LinkStream(_stream, bringsRecords, _ledger, Receive, writer);
        var end = await link.RunAsync(() => ValueTask.CompletedTask, _stopping.Token);
        _told = (int)link.BytesIn;
        return end;

        void Receive(ReadOnlySpan<byte> bytes)
        {
            // In order, and each once: the stream numbers them.
            var from = Received;
            for (var i = 0; i < bytes.Length; i++)
            {
                Assert.Equal((byte)(from + i), bytes[i]);
            }

            lock (_received)
            {
                _received.Add(bytes.Length);
            }

            also?.Invoke();
        }
    }

    /// <summary>Brings bytes in pieces, at once where there is one.</summary>
    private sealed class PieceStream : DuplexStream
    {
        private readonly Queue<int> _pieces = [];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _failure;
        private bool _isThrown;
        private int _at;

        /// <summary>What is read into.</summary>
        public Memory<byte> Target { get; private set; }

        public void Bring(IEnumerable<int> pieces) => Change(() =>
        {
            foreach (var piece in pieces)
            {
                _pieces.Enqueue(piece);
            }
        });

        public void Fail(Exception failure, bool isThrown) => Change(() => (_failure, _isThrown) = (failure, isThrown));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Target = buffer;
            lock (_pieces)
            {
                return TryRead(buffer, out var count) ? ValueTask.FromResult(count)
                    : _failure is not null ? _isThrown ? throw _failure : ValueTask.FromException<int>(_failure)
                    : ReadLaterAsync(buffer, _changed.Task, cancellationToken);
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        private async ValueTask<int> ReadLaterAsync(Memory<byte> buffer, Task changed, CancellationToken cancellationToken)
        {
            await changed.WaitAsync(cancellationToken);
            return await ReadAsync(buffer, cancellationToken);
        }

        private bool TryRead(Memory<byte> buffer, out int count)
        {
            if (!_pieces.TryDequeue(out count))
            {
                return false;
            }

            for (var i = 0; i < count; i++)
            {
                buffer.Span[i] = (byte)_at++;
            }

            return true;
        }

        private void Change(Action change)
        {
            TaskCompletionSource changed;
            lock (_pieces)
            {
                change();
                changed = _changed;
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            changed.SetResult();
        }
    }
}
