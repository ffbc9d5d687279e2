namespace MProxy.Engine.Link;

/// <summary>The small frames that go ahead of clients' data: control, connection, pause, resume, end and error.</summary>
internal sealed class Outbox(LinkRole role, ILinkEvents events)
{
    // A relay's own frames are as many as its clients, and only answers are the device's doing. At a device all are the relay's doing.
    private const int RelayBound = 1 << 20;
    private const int DeviceBound = 16 << 20;

    // What a relay says of clients that come and go to a device that reads nothing.
    private const int Bound = 64 << 20;

    private readonly Queue<(byte[] Frame, bool Counts)> _frames = new();
    private int _counted;
    private int _length;
    private bool _hasOverflowed;

    public bool IsEmpty => _frames.Count == 0;

    /// <summary>Adds a frame that this side has to send.</summary>
    public void Add(byte[] frame) => Add(frame, counts: role == LinkRole.Device);

    /// <summary>Adds what the peer made us say. Where too much of that waits, the peer does not read: the link has to end.</summary>
    public void AddAnswer(byte[] frame) => Add(frame, counts: true);

    /// <summary>Copies as many whole frames as fit, oldest first.</summary>
    /// <returns>How many bytes were written.</returns>
    public int MoveTo(Span<byte> target)
    {
        var written = 0;
        while (_frames.TryPeek(out var next) && next.Frame.Length <= target.Length - written)
        {
            next.Frame.CopyTo(target[written..]);
            written += next.Frame.Length;
            _counted -= next.Counts ? next.Frame.Length : 0;
            _length -= next.Frame.Length;
            _frames.Dequeue();
        }

        return written;
    }

    private void Add(byte[] frame, bool counts)
    {
        if (_hasOverflowed)
        {
            return;
        }

        _counted += counts ? frame.Length : 0;
        _length += frame.Length;
        if (_counted > (role == LinkRole.Relay ? RelayBound : DeviceBound) || _length > Bound)
        {
            _hasOverflowed = true;
            events.Broke(new LinkException("The peer does not read what it is sent: too many control frames are waiting."));
            return;
        }

        _frames.Enqueue((frame, counts));
        events.WorkReady();
    }
}
