namespace MProxy.Engine.Link;

/// <summary>Whether the peer is there: any byte is life, silence is broken by a probe, and a probe that nothing follows is the end. Source: protocol.md, section 3.</summary>
internal sealed class Liveness
{
    private readonly TimeProvider _time;
    private readonly long _silence;
    private readonly long _patience;
    private long _heardAt;
    private long? _probedAt;

    public Liveness(TimeProvider time, TimeSpan silence, TimeSpan patience)
    {
        _time = time;
        _silence = (long)(silence.TotalSeconds * time.TimestampFrequency);
        _patience = (long)(patience.TotalSeconds * time.TimestampFrequency);
        _heardAt = time.GetTimestamp();
    }

    /// <summary>What to do now.</summary>
    internal enum Verdict
    {
        Alive,
        Probe,
        Dead,
    }

    /// <summary>When to ask for the next verdict, as a timestamp.</summary>
    public long NextDeadline => _probedAt is { } probed ? probed + _patience : _heardAt + _silence;

    /// <param name="heardAt">When the last byte came, as a timestamp.</param>
    public Verdict Check(long heardAt)
    {
        var now = _time.GetTimestamp();
        if (heardAt > _heardAt)
        {
            _heardAt = heardAt;
            _probedAt = null;
        }

        if (now < NextDeadline)
        {
            return Verdict.Alive;
        }

        if (_probedAt is not null)
        {
            return Verdict.Dead;
        }

        _probedAt = now;
        return Verdict.Probe;
    }
}
