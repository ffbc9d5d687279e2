namespace MProxy.Engine.Tokens;

/// <summary>What a token allows, as its claims say it. Source: protocol.md, section 2.</summary>
public sealed record Grant
{
    /// <summary>The device's identity, claim <c>id</c>: one that comes back takes over from its stale link. Empty where the token names none.</summary>
    public string Id { get; init; } = "";

    /// <summary>Names it may serve, claim <c>domains</c>, in lower case; <c>*.name</c> stands for everything below a name.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];

    /// <summary>Ports it may serve, claim <c>ports</c>, 0 to 65535; 0 asks the relay to choose.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    /// <summary>When the grant ends, claim <c>exp</c>; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Allows everything: what a link to a relay without a secret has.</summary>
    public bool IsUnrestricted { get; init; }
}
