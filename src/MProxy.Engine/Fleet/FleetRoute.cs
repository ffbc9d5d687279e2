namespace MProxy.Engine.Fleet;

/// <summary>One relay's part in a key of the directory, such as a name: how many of its devices' links serve it.</summary>
/// <param name="Node">The relay, by name.</param>
/// <param name="Generation">Which of that name; see <see cref="FleetNode.Generation"/>.</param>
/// <param name="Links">Links that serve the very name, or the port.</param>
/// <param name="LinksBelow">Links that serve what is below the name.</param>
public sealed record FleetRoute(string Node, long Generation, int Links, int LinksBelow);
