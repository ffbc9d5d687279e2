namespace MProxy.Engine.Link;

/// <summary>This side's end of a client: a local socket, or a script. Called with the link's lock held: take note and return.</summary>
internal abstract class ClientSink
{
    /// <summary>There is something to move, and a limit of this side makes it wait, or did after a timestamp.</summary>
    public virtual bool IsHeldBack(long since) => false;

    /// <summary>The client was brought by another relay, and is that one's to count by its address.</summary>
    public virtual bool IsGuest => false;

    /// <summary>
    /// Bytes from the link are handed over with its lock let go, by its reader alone: this end tells another link of them, whose lock may be waited for
    /// by whoever holds this one.
    /// </summary>
    public virtual bool TakesUnlocked => false;

    /// <summary>The peer lets the client go on, or says that it takes it.</summary>
    public virtual void Resumed()
    {
    }

    /// <summary>Bytes from the link; the span is valid during the call only.</summary>
    /// <param name="data">What came.</param>
    /// <param name="isFrameEnd">The frame that these bytes are of is whole with them.</param>
    /// <returns>How many of them are taken already; the rest waits until it is reported as delivered.</returns>
    public abstract int Received(ReadOnlySpan<byte> data, bool isFrameEnd);

    /// <summary>The peer sends nothing more; what came before is still to be delivered.</summary>
    public abstract void PeerEnded();

    /// <summary>The client is over at once, both ways.</summary>
    public abstract void Failed(string code, string message);

    /// <summary>The link is gone, and the client with it.</summary>
    public abstract void LinkLost();

    /// <summary>The frame that was offered is on its way.</summary>
    public abstract void Sent();

    /// <summary>The client is over, on the link and here. Last of all, and once.</summary>
    public virtual void Over()
    {
    }
}
