using System.Collections.Concurrent;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Link;

/// <summary>Who sends a link's bytes, and when.</summary>
public sealed class LinkWriterTests : IDisposable
{
    private readonly ConcurrentQueue<byte> _waiting = new();
    private readonly ResourceLedger _ledger = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly GatedStream _stream = new();

    public void Dispose()
    {
        _stopping.Dispose();
        _stream.Dispose();
    }

    [Fact]
    public async Task An_idle_link_is_written_to_by_the_thread_that_has_something_to_send()
    {
        var writer = Create(canBlock: false);
        var running = writer.RunAsync(_stopping.Token);
        Offer(writer, 7);
        Assert.Equal([(byte)7], _stream.Written);
        Assert.Equal(Environment.CurrentManagedThreadId, _stream.Writer);
        await EndAsync(running);
        Assert.Equal(1, writer.BytesOut);
    }

    [Fact]
    public async Task Whoever_comes_while_another_sends_leaves_it_to_that_one_and_goes_on()
    {
        var writer = Create(canBlock: false);
        _stream.Shut();
        var running = writer.RunAsync(_stopping.Token);
        Offer(writer, 1);
        Offer(writer, 2);
        Offer(writer, 3);
        Assert.Equal(1, _stream.Writes);
        _stream.Open();
        await _stream.WhenWrittenAsync(3);
        Assert.Equal([1, 2, 3], _stream.Written);
        Assert.Equal(1, _stream.MostAtOnce);
        await EndAsync(running);
    }

    [Fact]
    public async Task A_thread_sends_a_mebibyte_for_others_and_then_goes_back_to_its_own_work()
    {
        const int Batch = 256 << 10;
        const int Borrowed = 4;
        var writer = Create(canBlock: false, batch: Batch);
        var running = writer.RunAsync(_stopping.Token);
        for (var i = 0; i < (Borrowed + 1) * Batch; i++)
        {
            _waiting.Enqueue(1);
        }

        writer.Signal();
        await Task.Factory.StartNew(writer.Push, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await _stream.WhenWrittenAsync((Borrowed + 1) * Batch);
        Assert.True(_stream.IsOnPool[^1]);
        Assert.DoesNotContain(true, _stream.IsOnPool.Take(Borrowed));
        await EndAsync(running);
    }

    [Fact]
    public async Task A_stream_that_may_block_is_written_to_by_the_pool_alone()
    {
        var writer = Create(canBlock: true);
        var running = writer.RunAsync(_stopping.Token);
        await Task.Factory.StartNew(() => Offer(writer, 9), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await _stream.WhenWrittenAsync(1);
        Assert.True(_stream.IsOnPool[0]);
        await EndAsync(running);
    }

    [Fact]
    public async Task What_was_signalled_before_it_runs_is_sent_when_it_does()
    {
        var writer = Create(canBlock: false);
        Offer(writer, 5);
        Assert.Empty(_stream.Written);
        var running = writer.RunAsync(_stopping.Token);
        Assert.Equal([(byte)5], _stream.Written);
        await EndAsync(running);
    }

    [Fact]
    public async Task It_ends_with_the_reason_when_the_stream_fails_and_sends_nothing_more()
    {
        var writer = Create(canBlock: false);
        var running = writer.RunAsync(_stopping.Token);
        _stream.Failure = new IOException("gone");
        Offer(writer, 1);
        Assert.Equal("gone", (await Assert.ThrowsAsync<IOException>(() => running)).Message);
        _stream.Failure = null;
        Offer(writer, 2);
        Assert.Equal(1, _stream.Writes);
        Assert.Equal(0, _ledger.Buffers);
    }

    [Fact]
    public async Task No_signal_is_lost_where_one_comes_just_as_a_send_ends()
    {
        var writer = Create(canBlock: false);
        var running = writer.RunAsync(_stopping.Token);
        using var round = new Barrier(2);
        var other = Task.Factory.StartNew(() => Play(1), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Play(0);
        await other;
        await EndAsync(running);

        void Play(byte value)
        {
            for (var i = 0; i < 20_000; i++)
            {
                round.SignalAndWait();
                Offer(writer, value);
                round.SignalAndWait();

                // Whoever still sends has yet to take what is left; nobody does where it was lost.
                if (!SpinWait.SpinUntil(() => _waiting.IsEmpty, TimeSpan.FromSeconds(5)))
                {
                    throw new InvalidOperationException($"A signal was lost in round {i}.");
                }
            }
        }
    }

    [Fact]
    public async Task Cancelled_in_the_middle_of_a_send_it_ends_only_when_that_has_ended()
    {
        var writer = Create(canBlock: false);
        _stream.Shut();
        var running = writer.RunAsync(_stopping.Token);
        Offer(writer, 1);
        await _stopping.CancelAsync();
        Assert.False(running.IsCompleted);
        Assert.Equal(1, _ledger.Buffers);
        _stream.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(0, _ledger.Buffers);
    }

    private LinkWriter Create(bool canBlock, int batch = int.MaxValue) => new(
        _stream,
        canBlock,
        _ledger,
        new SendPace(),
        (span, enough) =>
        {
            var length = 0;
            while (length < Math.Min(batch, enough) && _waiting.TryDequeue(out var value))
            {
                span[length++] = value;
            }

            return length;
        },
        () => { },
        TimeProvider.System);

    private void Offer(LinkWriter writer, byte value)
    {
        _waiting.Enqueue(value);
        writer.Signal();
        writer.Push();
    }

    private async Task EndAsync(Task running)
    {
        await _stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(0, _ledger.Buffers);
    }

    /// <summary>Takes what is written, at once or when it is opened, and notes by whom.</summary>
    private sealed class GatedStream : Stream
    {
        private readonly object _gate = new();
        private readonly List<byte> _written = [];
        private TaskCompletionSource? _closed;
        private TaskCompletionSource _changed = new();
        private int _now;

        public int Writes { get; private set; }

        public int MostAtOnce { get; private set; }

        public int Writer { get; private set; }

        public List<bool> IsOnPool { get; } = [];

        public Exception? Failure { get; set; }

        public byte[] Written
        {
            get
            {
                lock (_gate)
                {
                    return [.. _written];
                }
            }
        }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Shut() => _closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Open()
        {
            var closed = _closed;
            _closed = null;
            closed?.SetResult();
        }

        public async Task WhenWrittenAsync(int count)
        {
            for (; ; )
            {
                Task changed;
                lock (_gate)
                {
                    if (_written.Count >= count)
                    {
                        return;
                    }

                    changed = _changed.Task;
                }

                await changed.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            }
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes++;
            MostAtOnce = Math.Max(MostAtOnce, ++_now);
            Writer = Environment.CurrentManagedThreadId;
            IsOnPool.Add(Thread.CurrentThread.IsThreadPoolThread);
            try
            {
                if (Failure is not null)
                {
                    throw Failure;
                }

                if (_closed is { } closed)
                {
                    await closed.Task;
                }

                TaskCompletionSource changed;
                lock (_gate)
                {
                    _written.AddRange(buffer.Span);
                    changed = _changed;
                    _changed = new TaskCompletionSource();
                }

                changed.SetResult();
            }
            finally
            {
                _now--;
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
