namespace MProxy.Engine.Link;

/// <summary>What has moved for the clients of a link. Counted with the link's lock held, read by anybody at any time.</summary>
internal sealed class LinkTraffic
{
    private long _bytesIn;
    private long _bytesOut;
    private long _pausesIn;
    private long _pausesOut;

    /// <summary>Bytes of clients that came over the link.</summary>
    public long BytesIn => Volatile.Read(ref _bytesIn);

    /// <summary>Bytes of clients that were sent over the link.</summary>
    public long BytesOut => Volatile.Read(ref _bytesOut);

    /// <summary>Pauses that the peer asked for.</summary>
    public long PausesIn => Volatile.Read(ref _pausesIn);

    /// <summary>Pauses that the peer was asked for.</summary>
    public long PausesOut => Volatile.Read(ref _pausesOut);

    public void Came(int bytes) => Volatile.Write(ref _bytesIn, _bytesIn + bytes);

    public void WasSent(int bytes) => Volatile.Write(ref _bytesOut, _bytesOut + bytes);

    public void PauseCame() => Volatile.Write(ref _pausesIn, _pausesIn + 1);

    public void PauseWasSent() => Volatile.Write(ref _pausesOut, _pausesOut + 1);
}
