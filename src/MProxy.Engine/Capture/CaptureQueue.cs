using System.Threading.Channels;

namespace MProxy.Engine.Capture;

/// <summary>
/// The frames that wait to be written, in the order in which they were seen whole. It is bounded in bytes, and who adds never waits: where
/// the disk is too slow, frames are left out whole and counted.
/// </summary>
internal sealed class CaptureQueue(int bound, TimeProvider time)
{
    private readonly Channel<CapturedFrame> _frames = Channel.CreateUnbounded<CapturedFrame>(new UnboundedChannelOptions { SingleReader = true });
    private readonly object _gate = new();
    private DateTimeOffset _latest;
    private long _waiting;
    private long _dropped;
    private volatile bool _isClosed;

    /// <summary>Nothing is taken any more.</summary>
    public bool IsClosed => _isClosed;

    public void Add(CapturedFrame frame)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            if (_waiting + frame.Cost > bound)
            {
                _dropped++;
                return;
            }

            // In here, so that times go up as the file does; the clock itself may be set back.
            frame.Time = Now();
            (frame.DroppedBefore, _dropped) = (_dropped, 0);
            _waiting += frame.Cost;
            _frames.Writer.TryWrite(frame);
        }
    }

    /// <summary>Waits for the next frame. False when there is none, and none comes any more.</summary>
    public ValueTask<bool> WaitAsync() => _frames.Reader.WaitToReadAsync();

    public bool TryTake(out CapturedFrame frame)
    {
        if (!_frames.Reader.TryRead(out frame!))
        {
            return false;
        }

        lock (_gate)
        {
            _waiting -= frame.Cost;
        }

        return true;
    }

    /// <summary>How many frames were left out behind the last that was taken, and the time now.</summary>
    public (long Count, DateTimeOffset Time) TakeDropped()
    {
        lock (_gate)
        {
            var count = _dropped;
            _dropped = 0;
            return (count, Now());
        }
    }

    /// <summary>Takes no more; those there are can still be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _frames.Writer.TryComplete();
        }
    }

    private DateTimeOffset Now()
    {
        var now = time.GetUtcNow();
        return _latest = now > _latest ? now : _latest;
    }
}
