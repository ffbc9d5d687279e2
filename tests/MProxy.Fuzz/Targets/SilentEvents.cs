using MProxy.Engine.Link;

namespace MProxy.Fuzz.Targets;

/// <summary>What a link's state machine tells of, counted, and its clients' bytes taken in part.</summary>
internal sealed class SilentEvents : ILinkEvents
{
    public int OpenCount { get; private set; }

    public bool IsBroken { get; private set; }

    /// <summary>The clients that are there, and may be told something.</summary>
    public List<LinkClient> Clients { get; } = [];

    public void Opened(LinkClient client)
    {
        OpenCount++;
        Clients.Add(client);
    }

    public int Received(LinkClient client, ReadOnlySpan<byte> data, bool isFrameEnd) => client.IsDatagram ? data.Length : data.Length / 2;

    public void PeerEnded(LinkClient client)
    {
    }

    public void Failed(LinkClient client, string code, string message) => FuzzTargets.Require(client.IsClosed, "A client fails and is not closed.");

    public void Closed(LinkClient client)
    {
        OpenCount--;
        FuzzTargets.Require(Clients.Remove(client), "A client closes twice.");
    }

    public void Released()
    {
    }

    public void Sent(LinkClient client)
    {
    }

    public void WentUp()
    {
    }

    public bool Commanded(in ControlCommand command) => command.Name.Length % 2 == 0;

    public void Replied(ControlReply reply)
    {
    }

    public void Measured(TimeSpan roundTrip)
    {
    }

    public void Reported(ControlReply error)
    {
    }

    public void WorkReady()
    {
    }

    public void Broke(LinkException reason) => IsBroken = true;
}
