namespace MProxy.Engine.Link;

/// <summary>What datagrams that wait may hold together, in bytes.</summary>
/// <param name="most">That many.</param>
internal sealed class DatagramBudget(long most)
{
    /// <summary>Those of one relay or tunnel.</summary>
    public const long OfAll = 64 << 20;

    /// <summary>Those of one link: a slow one leaves room to the others.</summary>
    public const long OfLink = 16 << 20;

    /// <summary>Those of one client.</summary>
    public const long OfClient = 1 << 20;

    // A datagram costs its buffer too, however short it is.
    private const int Cost = 512;

    private long _held;

    public bool TryTake(int length)
    {
        if (Interlocked.Add(ref _held, length + Cost) <= most)
        {
            return true;
        }

        Return(length);
        return false;
    }

    public void Return(int length) => Interlocked.Add(ref _held, -(length + Cost));
}
