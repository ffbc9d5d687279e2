using System.Diagnostics.CodeAnalysis;

namespace MProxy.Engine.Link;

/// <summary>
/// What one client's slow socket has not taken yet, in pooled segments that small slices share. The link's reader adds and never
/// waits; the client's own loop takes.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore hands out no wait handle, and a late signal may come after the end.")]
internal sealed class Inbox(ResourceLedger ledger) : IDisposable
{
    private const int SmallSegment = 16 << 10;
    private const int LargeSegment = 64 << 10;

    private readonly object _gate = new();
    private readonly Queue<Segment> _segments = new();
    private readonly SemaphoreSlim _changed = new(0, 1);
    private Segment? _tail;
    private int _taken;
    private bool _completed;
    private bool _disposed;

    /// <summary>Nothing waits and nothing is being sent: what comes now may go past this queue. Only whoever adds can rely on it.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _segments.Count == 0 && _taken == 0 && !_completed && !_disposed;
            }
        }
    }

    public void Add(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            while (!data.IsEmpty)
            {
                if (_tail is null || _tail.End == _tail.Buffer.Length)
                {
                    // Two sizes alone, both powers of two as the pool has them: what is held stays close to what came.
                    _tail = new Segment(ledger.Rent(data.Length > SmallSegment ? LargeSegment : SmallSegment));
                    _segments.Enqueue(_tail);
                }

                var count = Math.Min(data.Length, _tail.Buffer.Length - _tail.End);
                data[..count].CopyTo(_tail.Buffer.AsSpan(_tail.End));
                _tail.End += count;
                data = data[count..];
            }

            Signal();
        }
    }

    /// <summary>Nothing more comes.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _completed = true;
            Signal();
        }
    }

    /// <summary>Waits for bytes. The segment belongs to the caller, who gives it back with <see cref="Return"/>; null when all are taken and no more come.</summary>
    public async ValueTask<Segment?> TakeAsync(CancellationToken cancellationToken)
    {
        for (; ; )
        {
            lock (_gate)
            {
                if (_segments.TryDequeue(out var segment))
                {
                    _tail = _tail == segment ? null : _tail;
                    _taken++;
                    return segment;
                }

                if (_completed || _disposed)
                {
                    return null;
                }
            }

            await _changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Return(Segment segment)
    {
        ledger.Return(segment.Buffer);
        lock (_gate)
        {
            _taken--;
        }
    }

    /// <summary>Drops what was not taken.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_segments.TryDequeue(out var segment))
            {
                ledger.Return(segment.Buffer);
            }

            _tail = null;
            Signal();
        }
    }

    private void Signal()
    {
        if (_changed.CurrentCount == 0)
        {
            _changed.Release();
        }
    }

    /// <summary>A pooled buffer, filled up to <see cref="End"/>.</summary>
    internal sealed class Segment(byte[] buffer)
    {
        public byte[] Buffer { get; } = buffer;

        public int End { get; set; }
    }
}
