namespace MProxy.Engine.Link;

/// <summary>The small frames that go ahead of clients' data: control, connection, pause, resume, end and error.</summary>
internal sealed class Outbox
{
    private const int Bound = 1 << 20;

    private readonly Queue<byte[]> _frames = new();
    private int _length;

    /// <summary>The peer makes us send, and does not read: frames were dropped, so the link has to end.</summary>
    public bool HasOverflowed { get; private set; }

    public void Add(byte[] frame)
    {
        HasOverflowed |= _length + frame.Length > Bound;
        if (HasOverflowed)
        {
            return;
        }

        _frames.Enqueue(frame);
        _length += frame.Length;
    }

    /// <summary>Copies as many whole frames as fit, oldest first.</summary>
    /// <returns>How many bytes were written.</returns>
    public int MoveTo(Span<byte> target)
    {
        var written = 0;
        while (_frames.TryPeek(out var frame) && frame.Length <= target.Length - written)
        {
            frame.CopyTo(target[written..]);
            written += frame.Length;
            _length -= frame.Length;
            _frames.Dequeue();
        }

        return written;
    }
}
