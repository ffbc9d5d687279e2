using MProxy.Engine.Routing;

namespace MProxy.Engine.Tokens;

/// <summary>What a token allows, as its claims say it. Source: protocol.md, section 2.</summary>
public sealed record Grant
{
    private readonly IReadOnlyList<string> _domains = [];

    /// <summary>The device's identity, claim <c>id</c>: one that comes back takes over from its stale link. Empty where the token names none.</summary>
    public string Id { get; init; } = "";

    /// <summary>
    /// Names it may serve, claim <c>domains</c>, each once and in the one spelling in which names are compared; <c>*.name</c> stands for
    /// everything below a name.
    /// </summary>
    /// <exception cref="TokenException">One of them is no name.</exception>
    public IReadOnlyList<string> Domains
    {
        get => _domains;
        init => _domains = value.Select(FoldDomain).Distinct(StringComparer.Ordinal).ToArray();
    }

    /// <summary>Ports of TCP it may serve, claim <c>ports</c>, 0 to 65535; 0 asks the relay to choose.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    /// <summary>Ports of UDP it may serve, claim <c>udp_ports</c>, 0 to 65535; 0 asks the relay to choose.</summary>
    public IReadOnlyList<int> UdpPorts { get; init; } = [];

    /// <summary>When the grant ends, claim <c>exp</c>; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The fingerprint of the key that signed the token; empty where none did.</summary>
    internal string SignedBy { get; init; } = "";

    /// <summary>The audiences that the token names, claim <c>aud</c>.</summary>
    internal IReadOnlyList<string> Audiences { get; init; } = [];

    /// <summary>Allows everything: what a link to a relay without a secret has.</summary>
    public bool IsUnrestricted { get; init; }

    /// <summary>A name that a token may hold, in the one spelling in which names are compared: lower case, ASCII, no last dot.</summary>
    /// <exception cref="TokenException">It is no DNS name and no <c>*.name</c>. An address is none.</exception>
    public static string FoldDomain(string domain) => ServerName.TryFoldPattern(domain) is { } folded && !ServerName.IsAddress(folded)
        ? folded
        : throw new TokenException($"The domain '{Shown(domain)}' is no DNS name and no *.name.");

    /// <summary>A stranger may have written it: what could move a cursor or turn the writing direction is not shown, and no more than a line.</summary>
    private static string Shown(string domain)
    {
        const int MaxShown = 80;
        var shown = domain.Take(MaxShown).Select(letter => letter is >= ' ' and <= '~' || char.IsLetterOrDigit(letter) ? letter : '?');
        return domain.Length > MaxShown ? $"{string.Concat(shown)}…" : string.Concat(shown);
    }
}
