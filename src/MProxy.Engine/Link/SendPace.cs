using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// How much a link is given at once. What is given cannot be overtaken: on a slow link it is as little as goes out in a few milliseconds, so
/// that a keystroke waits no longer; on a fast one as much as keeps it busy. Used by the writer, read from any thread.
/// </summary>
/// <param name="unsentChanged">Told <see cref="UnsentLength"/> when it changes.</param>
internal sealed class SendPace(Action<int>? unsentChanged = null)
{
    /// <summary>The most that is given at once, in bytes.</summary>
    public const int Most = 256 << 10;

    private const int Least = 16 << 10;
    private const int Longest = Most / 2;

    private static readonly TimeSpan TooLong = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(2);

    private volatile int _length = Most;

    /// <summary>What to gather for one send, in bytes. A frame that was longer already goes as a whole.</summary>
    public int Length => _length;

    /// <summary>How long the body of a client's frame may be, in bytes: shorter than what goes at once, so that there is one more while it is sent.</summary>
    public int BodyLength => Math.Clamp(_length / 2, Least, Longest) - WireFormat.MaxHeaderRoom;

    /// <summary>How much the system may keep that is not on its way yet, in bytes: no more than what is given at once.</summary>
    public int UnsentLength => Math.Max(_length / 2, Least);

    /// <summary>A send is through.</summary>
    /// <param name="length">How much it was, in bytes.</param>
    /// <param name="time">How long the link took for it.</param>
    public void Sent(int length, TimeSpan time)
    {
        if (time > TooLong)
        {
            Change(Math.Max(_length / 2, Least));
        }
        else if (time < Short && length >= BodyLength)
        {
            // A frame at least, which is all that a lone client has: a shorter send that was quick says nothing of a longer one.
            Change(Math.Min(_length * 2, Most));
        }
    }

    private void Change(int length)
    {
        var unsent = UnsentLength;
        _length = length;
        if (UnsentLength != unsent)
        {
            unsentChanged?.Invoke(UnsentLength);
        }
    }
}
