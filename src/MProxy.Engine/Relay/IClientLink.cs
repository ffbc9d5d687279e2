using MProxy.Engine.Link;

namespace MProxy.Engine.Relay;

/// <summary>A link that a relay brings clients to: of a device, or of another relay that has the device.</summary>
internal interface IClientLink
{
    /// <summary>What it is called in lists, events and logs.</summary>
    string Name { get; }

    LinkConnection Connection { get; }

    /// <summary>What holds a new client of this link back: its way to the device, and back.</summary>
    (ClientThrottle Up, ClientThrottle Down) NewThrottles(LinkClient client);
}
