namespace MProxy.Engine.Fleet;

/// <summary>A relay of a fleet, as another of it sees it.</summary>
/// <param name="Owner">The relay that was asked, by its name in this session.</param>
/// <param name="Name">The relay's name in the fleet.</param>
/// <param name="IsSelf">It is the one that was asked.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Links">How many devices are connected to it.</param>
/// <param name="Clients">How many clients it has brought to devices.</param>
/// <param name="Hops">How many clients of the asked relay are at devices of this one.</param>
/// <param name="Peer">Where other relays reach it.</param>
/// <param name="RoundTrip">How long a message to it and back takes, as last measured; null where there is no link to it.</param>
/// <param name="Version">The version of its software.</param>
/// <param name="Generation">Which of its name it is; the higher, the later.</param>
public sealed record FleetRelay(
    string Owner, string Name, bool IsSelf, FleetState State, int Links, int Clients, int Hops, string Peer, TimeSpan? RoundTrip, string Version, long Generation);
