using MProxy.Engine.Link;

namespace MProxy.Engine.Relay;

/// <summary>The rates that the clients of one link are held to: each its own, and all together that of their device. They may change at any time.</summary>
/// <param name="settings">Where the rates stand.</param>
/// <param name="struck">Told each time that a client has to wait.</param>
/// <param name="time">The clock.</param>
/// <param name="isOfDevice">The link is one device's. Over that of another relay come the clients of many, which has their rates.</param>
internal sealed class LinkRates(RelaySettings settings, Action<LinkClient, ClientThrottle.Limit> struck, TimeProvider time, bool isOfDevice = true)
{
    private readonly RateBucket _up = Shared(settings, isOfDevice, time);
    private readonly RateBucket _down = Shared(settings, isOfDevice, time);

    // One for all: clients may be many.
    private readonly Func<double> _ofClient = () => settings.Limits.ClientBytesPerSecond;

    /// <summary>What holds a new client back: its way to the device, and back.</summary>
    public (ClientThrottle Up, ClientThrottle Down) Throttle(LinkClient client) => (Throttle(client, _up), Throttle(client, _down));

    private static RateBucket Shared(RelaySettings settings, bool isOfDevice, TimeProvider time) =>
        new(() => isOfDevice ? settings.Limits.DeviceBytesPerSecond : 0, ClientThrottle.Burst, time);

    private ClientThrottle Throttle(LinkClient client, RateBucket shared) => new(client, _ofClient, shared, struck, time);
}
