namespace MProxy.Engine.Fleet;

/// <summary>How closely grants have to name a client, as <see cref="Tokens.GrantRules"/> counts.</summary>
/// <param name="AtLeast">Those that name it less do not count.</param>
/// <param name="Below">Nor do those that name it as closely or more: they were tried.</param>
internal readonly record struct ClosenessRange(int AtLeast, int Below = int.MaxValue);
