namespace MProxy.Engine.Link;

/// <summary>The small frames that go ahead of clients' data: control, connection, pause, resume, end and error.</summary>
internal sealed class Outbox(ILinkEvents events)
{
    private const int Bound = 1 << 20;

    private readonly Queue<byte[]> _frames = new();
    private int _length;
    private bool _hasOverflowed;

    /// <summary>Adds a frame. Where too many wait, the peer makes us send and does not read: the link has to end.</summary>
    public void Add(byte[] frame)
    {
        if (_hasOverflowed)
        {
            return;
        }

        if (_length + frame.Length > Bound)
        {
            _hasOverflowed = true;
            events.Broke(new LinkException("The peer does not read what it is sent: too many control frames are waiting."));
            return;
        }

        _frames.Enqueue(frame);
        _length += frame.Length;
        events.WorkReady();
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
