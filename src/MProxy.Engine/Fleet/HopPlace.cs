namespace MProxy.Engine.Fleet;

/// <summary>Another relay that has devices for a client.</summary>
/// <param name="Node">The relay.</param>
/// <param name="Closeness">How closely the grants of its devices name the client, as <see cref="Tokens.GrantRules"/> counts.</param>
internal readonly record struct HopPlace(FleetNode Node, int Closeness);
