namespace MProxy.Engine.Tokens;

/// <summary>What goes into a new token.</summary>
public sealed record TokenClaims
{
    /// <summary>What it allows.</summary>
    public required Grant Grant { get; init; }

    /// <summary>The relay it is for, claim <c>aud</c>; null for any.</summary>
    public string? Audience { get; init; }

    /// <summary>When it starts to hold, claim <c>nbf</c>; null for at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }
}
