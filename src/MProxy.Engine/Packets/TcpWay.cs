namespace MProxy.Engine.Packets;

/// <summary>One direction of a connection: segments in any order, doubled or overlapping, become the bytes that were said.</summary>
internal sealed class TcpWay
{
    // What may wait for one that is missing: more than the largest window of TCP that is in use.
    private const int MaxWaiting = 32 << 20;

    // By how far they start behind the first byte of all.
    private readonly SortedList<long, byte[]> _waiting = [];
    private long _next = -1;
    private uint _first;
    private long _waitingLength;

    /// <summary>It began where the capture can see it; else in the middle.</summary>
    public bool HasStart { get; private set; }

    /// <summary>So many bytes came so far, in order.</summary>
    public long Offset => Math.Max(0, _next);

    /// <summary>Bytes are missing for good: nothing more comes of it.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Something waits for bytes that have not come.</summary>
    public bool IsWaiting => _waiting.Count > 0;

    /// <summary>Whether this begins a new connection of the same ends.</summary>
    public bool IsAnother(in TcpSegment segment) => segment.IsStart && _next >= 0 && segment.Sequence + 1 != _first;

    /// <summary>Takes a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="said">Told of what comes in order, piece by piece; each is valid as long as it is told.</param>
    public void Take(in TcpSegment segment, Action<ReadOnlyMemory<byte>> said)
    {
        var sequence = segment.IsStart ? segment.Sequence + 1 : segment.Sequence;
        if (_next < 0)
        {
            (_first, _next, HasStart) = (sequence, 0, segment.IsStart);
        }

        if (IsBroken || segment.Bytes.IsEmpty)
        {
            IsBroken |= segment.Missing > 0;
            return;
        }

        // Numbers wrap: what lies less than half of them behind or ahead is meant.
        var at = _next + (int)(sequence - (uint)(_first + _next));
        Take(at, segment.Bytes, said);
        IsBroken |= segment.Missing > 0;
        while (_waiting.Count > 0 && _waiting.Keys[0] <= _next)
        {
            var (start, bytes) = (_waiting.Keys[0], _waiting.Values[0]);
            _waiting.RemoveAt(0);
            _waitingLength -= bytes.Length;
            Take(start, bytes, said);
        }
    }

    private void Take(long at, ReadOnlyMemory<byte> bytes, Action<ReadOnlyMemory<byte>> said)
    {
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

            _waitingLength -= there.Length;
        }

        _waiting[at] = bytes.ToArray();
        _waitingLength += bytes.Length;
        if (_waitingLength > MaxWaiting)
        {
            _waiting.Clear();
            IsBroken = true;
        }
    }
}
