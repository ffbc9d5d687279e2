namespace MProxy.Engine.Link;

/// <summary>What stands behind a link: a relay or a device. Called with the link's lock held: take note and return.</summary>
internal interface ILinkHost
{
    /// <summary>The peer brought a client: give it a sink, or fail it.</summary>
    void Opened(LinkConnection link, LinkClient client);

    /// <summary>A client is over, on the link and at its local end. Once for each that was opened, whatever became of it.</summary>
    void Ended(LinkConnection link, LinkClient client);

    /// <summary>The first bytes for a client have come. A device is not told: its clients speak there, not their services.</summary>
    void Answered(LinkConnection link, LinkClient client)
    {
    }

    /// <summary>Both sides have greeted.</summary>
    void WentUp(LinkConnection link);

    /// <summary>A probe was answered.</summary>
    void Measured(LinkConnection link, TimeSpan roundTrip);

    /// <summary>The peer asks for something on the control channel. False where the command is not known.</summary>
    bool Commanded(LinkConnection link, in ControlCommand command);

    /// <summary>The peer reports an error that answers nothing.</summary>
    void Reported(LinkConnection link, ControlReply error);
}
