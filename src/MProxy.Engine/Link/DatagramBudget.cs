namespace MProxy.Engine.Link;

/// <summary>What all datagrams of one relay or tunnel that wait for links may hold together, in bytes.</summary>
internal sealed class DatagramBudget
{
    private const long MaxBytes = 64 << 20;

    // A datagram costs its buffer too, however short it is.
    private const int Cost = 512;

    private long _held;

    public bool TryTake(int length)
    {
        if (Interlocked.Add(ref _held, length + Cost) <= MaxBytes)
        {
            return true;
        }

        Return(length);
        return false;
    }

    public void Return(int length) => Interlocked.Add(ref _held, -(length + Cost));
}
