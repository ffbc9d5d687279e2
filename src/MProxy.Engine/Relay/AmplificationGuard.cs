namespace MProxy.Engine.Relay;

/// <summary>
/// Bounds what a client of datagrams is sent by what it sent itself, until it has spoken again behind an answer: the address of a first datagram may be
/// made up, and whoever it belongs to must not be flooded with answers. Safe from two threads, one for each direction.
/// </summary>
internal sealed class AmplificationGuard
{
    private long _received;
    private long _sent;
    private volatile bool _hasAnswered;
    private volatile bool _isConfirmed;

    /// <summary>The client sent something.</summary>
    public void Received(int bytes)
    {
        Interlocked.Add(ref _received, bytes);
        _isConfirmed |= _hasAnswered;
    }

    /// <summary>Whether an answer may be sent; it counts as sent where it may.</summary>
    /// <param name="bytes">How long it is.</param>
    /// <param name="factor">How many times its own bytes the client may be sent.</param>
    public bool TrySend(int bytes, double factor)
    {
        if (!_isConfirmed && Interlocked.Read(ref _sent) + bytes > Interlocked.Read(ref _received) * factor)
        {
            return false;
        }

        Interlocked.Add(ref _sent, bytes);
        _hasAnswered = true;
        return true;
    }
}
