namespace MProxy.Engine.Link;

/// <summary>What a link's state machine tells its driver. Called from within the machine: take note and return.</summary>
internal interface ILinkEvents
{
    /// <summary>The peer brought a client.</summary>
    void Opened(LinkClient client);

    /// <summary>
    /// Bytes for a client; the span is valid during the call only. Nothing of the machine is half done: its driver may let other calls in
    /// meanwhile, on other threads.
    /// </summary>
    /// <returns>How many of them the local side has taken already; the rest waits until it is reported as delivered.</returns>
    int Received(LinkClient client, ReadOnlySpan<byte> data, bool isFrameEnd);

    /// <summary>The peer sends nothing more for a client; what came before is still to be delivered.</summary>
    void PeerEnded(LinkClient client);

    /// <summary>The client is over at once, both ways.</summary>
    void Failed(LinkClient client, string code, string message);

    /// <summary>No frame of a client goes out or is taken in any more. Its last bytes may still be on their way to its local end.</summary>
    void Closed(LinkClient client);

    /// <summary>Identities that were held back are free.</summary>
    void Released();

    /// <summary>A client's frame was taken: it may offer the next.</summary>
    void Sent(LinkClient client);

    /// <summary>The peer lets a client go on, or says that it takes it.</summary>
    void Resumed(LinkClient client)
    {
    }

    /// <summary>Both sides have greeted: clients may come.</summary>
    void WentUp();

    /// <summary>The peer asks for something. False where nobody here knows the command.</summary>
    bool Commanded(in ControlCommand command);

    /// <summary>A request of ours was answered, or its time is over.</summary>
    void Replied(ControlReply reply);

    /// <summary>A probe was answered.</summary>
    void Measured(TimeSpan roundTrip);

    /// <summary>The peer reports an error that answers nothing.</summary>
    void Reported(ControlReply error);

    /// <summary>There is something to gather.</summary>
    void WorkReady();

    /// <summary>The link cannot go on: its driver ends it.</summary>
    void Broke(LinkException reason);
}
