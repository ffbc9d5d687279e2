namespace MProxy.Engine.Packets;

/// <summary>One direction of a connection: segments in any order, doubled or overlapping, become the bytes that were said.</summary>
internal sealed class TcpWay
{
    // What may wait for one that is missing, with what it costs to keep it: more than the largest window of TCP that is in use.
    private const int MaxWaiting = 32 << 20;
    private const int Overhead = 64;

    // Nobody sends so far ahead: numbers like that are those of another connection.
    private const int Far = 1 << 30;

    // By how far they start behind the first byte of all.
    private readonly SortedDictionary<long, byte[]> _waiting = [];
    private long _next = -1;
    private uint _first;
    private long _waitingLength;
    private long _hole = long.MaxValue;

    /// <summary>It began where the capture can see it; else in the middle.</summary>
    public bool HasStart { get; private set; }

    /// <summary>So many bytes came so far, in order.</summary>
    public long Offset => Math.Max(0, _next);

    /// <summary>Bytes are missing for good: nothing more comes of it.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Something waits for bytes that have not come.</summary>
    public bool IsWaiting => _waiting.Count > 0 || _hole != long.MaxValue;

    /// <summary>Whether this begins a new connection of the same ends, or is of one whose beginning was not seen.</summary>
    public bool IsAnother(in TcpSegment segment) => _next >= 0 && (segment.IsStart ? segment.Sequence + 1 != _first : !segment.Bytes.IsEmpty && Math.Abs((long)Distance(segment.Sequence)) > Far);

    /// <summary>Takes a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="said">Told of what comes in order, piece by piece; each is valid as long as it is told.</param>
    public void Take(in TcpSegment segment, Action<ReadOnlyMemory<byte>> said)
    {
        var sequence = segment.IsStart ? segment.Sequence + 1 : segment.Sequence;
        if (_next < 0)
        {
            // What has no bytes may ask for a sign of life, by a number that was said already; and so may a single byte.
            if (!segment.IsStart && segment.Bytes.Length + segment.Missing <= 1)
            {
                return;
            }

            (_first, _next, HasStart) = (sequence, 0, segment.IsStart);
        }

        if (IsBroken)
        {
            return;
        }

        var at = _next + Distance(sequence);
        if (segment.Missing > 0 && at + segment.Bytes.Length + segment.Missing > _next)
        {
            _hole = Math.Min(_hole, Math.Max(_next, at + segment.Bytes.Length));
        }

        Take(at, segment.Bytes, said);
        while (_waiting.Count > 0 && _waiting.First() is var (start, bytes) && start <= _next)
        {
            _waiting.Remove(start);
            _waitingLength -= bytes.Length + Overhead;
            Take(start, bytes, said);
        }

        // Whatever comes behind bytes that were not kept comes too late, unless they came again.
        if (_hole < _next)
        {
            _hole = long.MaxValue;
        }

        IsBroken |= _hole == _next;
    }

    /// <summary>Numbers wrap: what lies less than half of them behind or ahead of the next is meant.</summary>
    private int Distance(uint sequence) => (int)(sequence - (uint)(_first + _next));

    private void Take(long at, ReadOnlyMemory<byte> bytes, Action<ReadOnlyMemory<byte>> said)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (at > _next)
        {
            Keep(at, bytes);
        }
        else if (at + bytes.Length > _next)
        {
            var news = bytes[(int)(_next - at)..];
            _next += news.Length;
            said(news);
        }
    }

    private void Keep(long at, ReadOnlyMemory<byte> bytes)
    {
        if (_waiting.TryGetValue(at, out var there))
        {
            if (there.Length >= bytes.Length)
            {
                return;
            }

            _waitingLength -= there.Length + Overhead;
        }

        _waiting[at] = bytes.ToArray();
        _waitingLength += bytes.Length + Overhead;
        if (_waitingLength > MaxWaiting)
        {
            _waiting.Clear();
            IsBroken = true;
        }
    }
}
