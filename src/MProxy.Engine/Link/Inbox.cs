using System.Runtime.CompilerServices;

namespace MProxy.Engine.Link;

/// <summary>
/// What one client's slow socket has not taken yet, in pooled segments that small slices share. The link's reader adds, wakes the client's
/// own loop when it holds no lock, and never waits; that loop takes.
/// </summary>
/// <param name="ledger">Where buffers are noted.</param>
/// <param name="room">How many bytes each segment leaves free in front, for a header.</param>
internal sealed class Inbox(ResourceLedger ledger, int room = 0) : IDisposable
{
    private const int SmallSegment = 16 << 10;
    private const int LargeSegment = 64 << 10;

    // Silent clients may be many: this is the lock too.
    private readonly WakeSignal _changed = new();
    private Segment? _head;
    private Segment? _tail;
    private int _taken;
    private bool _completed;
    private bool _disposed;

    /// <summary>Nothing waits and nothing is being sent: what comes now may go past this queue. Only whoever adds can rely on it.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_changed)
            {
                return _head is null && _taken == 0 && !_completed && !_disposed;
            }
        }
    }

    /// <summary>Keeps bytes. Whoever waits for them is to be woken.</summary>
    /// <returns>False where nobody takes any more.</returns>
    public bool TryAdd(ReadOnlySpan<byte> data)
    {
        lock (_changed)
        {
            if (_disposed)
            {
                return false;
            }

            while (!data.IsEmpty)
            {
                if (_tail is null || _tail.End == _tail.Buffer.Length)
                {
                    // Two sizes alone, both powers of two as the pool has them: what is held stays close to what came.
                    // Whoever packs them into frames has the longer ones of it.
                    var next = new Segment(ledger.Rent(data.Length <= SmallSegment - room ? SmallSegment : room > 0 && data.Length > LargeSegment ? 2 * LargeSegment : LargeSegment)) { End = room };
                    _head ??= next;
                    _tail = _tail is null ? next : _tail.Next = next;
                }

                var count = Math.Min(data.Length, _tail.Buffer.Length - _tail.End);
                data[..count].CopyTo(_tail.Buffer.AsSpan(_tail.End));
                _tail.End += count;
                data = data[count..];
            }

            return true;
        }
    }

    /// <summary>Nothing more comes. Whoever waits is to be woken.</summary>
    public void Complete()
    {
        lock (_changed)
        {
            _completed = true;
        }
    }

    /// <summary>Wakes the loop that takes.</summary>
    /// <param name="inline">It goes on within this call, so no lock must be held; else on a thread of the pool.</param>
    public void Wake(bool inline) => _changed.Set(inline);

    /// <summary>Takes what is there; null where all is taken and no more comes. The segment belongs to the caller, who gives it back with <see cref="Return"/>.</summary>
    /// <returns>False where something may still come: <see cref="WaitAsync"/> for that.</returns>
    public bool TryTake(out Segment? segment)
    {
        lock (_changed)
        {
            segment = _head;
            if (segment is null)
            {
                return _completed || _disposed;
            }

            _head = segment.Next;
            _tail = _head is null ? null : _tail;
            _taken++;
            return true;
        }
    }

    /// <summary>Waits until there may be something to take, or never again. Nothing else ends the wait.</summary>
    public ValueTask WaitAsync() => _changed.WaitAsync();

    /// <summary>Waits for bytes. The segment belongs to the caller, who gives it back with <see cref="Return"/>; null when all are taken and no more come.</summary>
    public ValueTask<Segment?> TakeAsync(CancellationToken cancellationToken) =>
        TryTake(out var segment) ? new ValueTask<Segment?>(segment) : TakeLaterAsync(cancellationToken);

    public void Return(Segment segment)
    {
        ledger.Return(segment.Buffer);
        lock (_changed)
        {
            _taken--;
        }
    }

    /// <summary>Drops what was not taken.</summary>
    public void Dispose()
    {
        lock (_changed)
        {
            _disposed = true;
            for (; _head is not null; _head = _head.Next)
            {
                ledger.Return(_head.Buffer);
            }

            _tail = null;
        }

        Wake(inline: false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Segment?> TakeLaterAsync(CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.UnsafeRegister(static inbox => ((Inbox)inbox!).Wake(inline: false), this);
        for (; ; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _changed.WaitAsync().ConfigureAwait(false);
            if (TryTake(out var segment))
            {
                return segment;
            }
        }
    }

    /// <summary>A pooled buffer, filled from the room in front up to <see cref="End"/>.</summary>
    internal sealed class Segment(byte[] buffer)
    {
        public byte[] Buffer { get; } = buffer;

        public int End { get; set; }

        public Segment? Next { get; set; }
    }
}
