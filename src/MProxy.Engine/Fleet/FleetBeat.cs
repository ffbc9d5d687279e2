namespace MProxy.Engine.Fleet;

/// <summary>What a directory says when a relay renews its lease.</summary>
/// <param name="Standing">How it stands with the relay itself.</param>
/// <param name="Generation">The relay's generation from now on.</param>
/// <param name="Nodes">The relays of the fleet with what is left of their leases; below zero where one has run out. Itself among them.</param>
/// <param name="RevokedVersion">Another number than before says that other ids of tokens are refused.</param>
public sealed record FleetBeat(FleetStanding Standing, long Generation, IReadOnlyList<(FleetNode Node, TimeSpan LeaseLeft)> Nodes, long RevokedVersion);
