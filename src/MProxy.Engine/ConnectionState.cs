namespace MProxy.Engine;

/// <summary>Where a client on a link stands.</summary>
public enum ConnectionState
{
    /// <summary>Bytes may flow both ways.</summary>
    Open,

    /// <summary>One side of the link asked the other to wait: whoever reads this client is slow.</summary>
    Paused,

    /// <summary>The operator of this side suspended it: nothing more is taken from either side.</summary>
    Suspended,

    /// <summary>One direction has ended, or both have and the last bytes are being delivered.</summary>
    Ending,

    /// <summary>It is over.</summary>
    Closed,
}
