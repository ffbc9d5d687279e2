namespace MProxy.Engine.Link;

/// <summary>What a link's state machine tells its driver. Called with the link's lock held: take note and return.</summary>
internal interface ILinkEvents
{
    /// <summary>The peer brought a client.</summary>
    void Opened(LinkClient client);

    /// <summary>Bytes for a client; the span is valid during the call only.</summary>
    void Received(LinkClient client, ReadOnlySpan<byte> data);

    /// <summary>The peer sends nothing more for a client; what came before is still to be delivered.</summary>
    void PeerEnded(LinkClient client);

    /// <summary>The client is over at once, both ways.</summary>
    void Failed(LinkClient client, string code, string message);

    /// <summary>The peer lets a paused client go on.</summary>
    void Resumed(LinkClient client);

    /// <summary>Both sides have greeted: clients may come.</summary>
    void WentUp();

    /// <summary>A frame of the machine's own is ready in the outbox.</summary>
    void OutboxFilled();
}
