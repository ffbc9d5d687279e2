using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Fleet;

/// <summary>The other end of a <see cref="PeerLink"/>: takes the clients that another relay brings to this relay's own devices, and to no other relay.</summary>
internal sealed class PeerGuests : ILinkHost, IAsyncDisposable
{
    private readonly RelayFleet _fleet;
    private readonly string _self;
    private readonly Func<HopGuest, Task> _bring;
    private readonly TaskSet _tasks;
    private readonly Carrier _carrier;

    /// <param name="fleet">The fleet that this relay is of.</param>
    /// <param name="options">How it is of that.</param>
    /// <param name="bring">Brings a client to a device.</param>
    /// <param name="carrier">What the link runs over; owned from here on.</param>
    /// <param name="tasks">Who waits for what is under way.</param>
    /// <param name="ledger">Where sockets are noted.</param>
    /// <param name="time">The clock.</param>
    public PeerGuests(RelayFleet fleet, FleetOptions options, Func<HopGuest, Task> bring, Carrier carrier, TaskSet tasks, ResourceLedger ledger, TimeProvider time)
    {
        _fleet = fleet;
        _self = options.NodeName;
        _bring = bring;
        _tasks = tasks;
        _carrier = carrier;
        Connection = new LinkConnection(LinkRole.Device, carrier, PeerLink.Options(options), this, ledger, time);
    }

    public LinkConnection Connection { get; }

    /// <summary>The relay that brings them, as it says; null before.</summary>
    public string? Node { get; private set; }

    public ValueTask DisposeAsync()
    {
        _carrier.Place?.Dispose();
        return Connection.DisposeAsync();
    }

    void ILinkHost.Opened(LinkConnection link, LinkClient client)
    {
        if (Node is null)
        {
            link.Fail(client, ErrorCode.BadCommand, "a relay says first who it is");
        }
        else if (client.Meta is not { Address: { } address, Port: { } port } || !IPAddress.TryParse(address, out var parsed) || ClientIdentity.ToSocketId(new IPEndPoint(parsed, port)) != client.SocketId)
        {
            link.Fail(client, ErrorCode.BadCommand, "the client has no address that is written as usual");
        }
        else
        {
            // Elsewhere: other links have to be asked, and the lock of this one is held.
            var guest = new HopGuest(link, client, new IPEndPoint(parsed, port), _fleet.DatagramBudget, () => _fleet.DatagramDropped());
            guest.Hold();
            _tasks.Run(() => _bring(guest));
        }
    }

    void ILinkHost.Ended(LinkConnection link, LinkClient client)
    {
    }

    void ILinkHost.WentUp(LinkConnection link)
    {
    }

    void ILinkHost.Measured(LinkConnection link, TimeSpan roundTrip)
    {
    }

    bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command)
    {
        if (command.Name != PeerLink.Introduction)
        {
            return false;
        }

        var id = command.Id;
        if (command.Arguments.Span is [string from, string wanted, ..] && wanted == _self)
        {
            Node = PlainText.Of(from);
            _carrier.Place?.Dispose();
            link.Say(control => control.Reply(id));
        }
        else
        {
            link.Say(control => control.Reply(id, ErrorCode.NotGranted, $"this is the relay {_self}"));
        }

        return true;
    }

    void ILinkHost.Reported(LinkConnection link, ControlReply error)
    {
    }
}
