using MProxy.Engine.Health;
using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>Who takes the clients of a device's link: a tunnel, or a script. Called with the link's lock held: take note and return.</summary>
internal interface IClientHandler
{
    /// <summary>A client came: give it a sink, or fail it.</summary>
    void Opened(DeviceLink owner, LinkConnection link, LinkClient client);

    /// <summary>A client is over, on the link and at its local end.</summary>
    void Ended(DeviceLink owner, LinkClient client)
    {
    }

    /// <summary>The link is up.</summary>
    void LinkUp()
    {
    }

    /// <summary>The link was up, and is over.</summary>
    /// <param name="reason">Why; null where it was closed in order.</param>
    void LinkEnded(Exception? reason)
    {
    }

    /// <summary>A probe of the link was answered.</summary>
    void Measured(TimeSpan roundTrip)
    {
    }

    /// <summary>Which of its services get new clients; none where it has no services of its own. Asked without a lock.</summary>
    IReadOnlyList<KeyValuePair<string, AnnouncedService>> ServiceStates => [];
}
