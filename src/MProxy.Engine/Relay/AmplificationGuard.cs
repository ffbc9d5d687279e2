namespace MProxy.Engine.Relay;

/// <summary>
/// Bounds what a client of datagrams is sent by what it sent itself, until it has spoken again behind an answer: the address of a first datagram may be
/// made up, and whoever it belongs to must not be flooded with answers. Headers count, so that empty answers are bounded too. Safe from two threads,
/// one for each direction.
/// </summary>
/// <param name="canConfirm">Speaking again means something. It does not where each datagram stands alone, and there is another way for long answers: DNS.</param>
internal sealed class AmplificationGuard(bool canConfirm)
{
    /// <summary>The headers of IPv4 and UDP, in bytes.</summary>
    public const int HeaderLength = 28;

    private long _received;
    private long _sent;
    private volatile bool _hasAnswered;
    private volatile bool _isConfirmed;

    /// <summary>The client sent something.</summary>
    public void Received(int bytes)
    {
        Interlocked.Add(ref _received, bytes + HeaderLength);
        _isConfirmed |= canConfirm && _hasAnswered;
    }

    /// <summary>Whether an answer may be sent; it counts as sent where it may.</summary>
    /// <param name="bytes">How long it is.</param>
    /// <param name="factor">How many times its own bytes the client may be sent.</param>
    public bool TrySend(int bytes, double factor)
    {
        var length = bytes + HeaderLength;
        if (!_isConfirmed && Interlocked.Read(ref _sent) + length > Interlocked.Read(ref _received) * factor)
        {
            return false;
        }

        Interlocked.Add(ref _sent, length);
        _hasAnswered = true;
        return true;
    }
}
