using System.Globalization;
using System.Text;
using System.Text.Json;
using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>Reads claims as the types they must have. A claim that is absent is empty; one of a wrong type is refused, never skipped.</summary>
internal sealed class ClaimReader(IReadOnlyDictionary<string, JsonElement> claims)
{
    /// <summary>The most names that a token may hold.</summary>
    public const int MaxDomains = 200;

    /// <summary>The most ports that a token may hold.</summary>
    public const int MaxPorts = 1000;

    /// <summary>The longest identity, in UTF-16 characters.</summary>
    public const int MaxIdLength = 128;

    // The years 1 to 9999, as a DateTimeOffset has them.
    private const decimal MinSeconds = -62_135_596_800;
    private const decimal MaxSeconds = 253_402_300_799;

    /// <summary>Seconds since 1970, whole or not.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (!claims.TryGetValue(name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var seconds) && seconds is >= MinSeconds and <= MaxSeconds
            ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond))
            : throw new TokenException($"The token's claim {name} is no time in seconds since 1970.");
    }

    public IReadOnlyList<string> Audiences() => Values("aud", int.MaxValue)
        .Select(value => JsonMembers.Text(value) ?? throw new TokenException("The token's claim aud is neither a string nor a list of strings."))
        .ToArray();

    public string Id()
    {
        if (!claims.TryGetValue("id", out var value))
        {
            return "";
        }

        return JsonMembers.Text(value) is { } id && IsId(id)
            ? id
            : throw new TokenException($"The token's claim id is no string of up to {MaxIdLength} characters without control characters.");
    }

    public IReadOnlyList<string> Domains() => Values("domains", MaxDomains)
        .Select(value => Grant.FoldDomain(JsonMembers.Text(value) ?? throw new TokenException("The token's claim domains holds what is no DNS name.")))
        .ToArray();

    public IReadOnlyList<int> Ports(string name) => Values(name, MaxPorts)
        .Select(value => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var port) && IsPort(port)
            ? port
            : throw new TokenException($"The token's claim {name} holds what is no whole number from 0 to 65535."))
        .Distinct()
        .ToArray();

    public static bool IsPort(int port) => port is >= 0 and <= 65535;

    /// <summary>Identities are shown: what would move a cursor or turn the writing direction is none.</summary>
    public static bool IsId(string id) => id.Length <= MaxIdLength && !id.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private JsonElement[] Values(string name, int most)
    {
        if (!claims.TryGetValue(name, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [value];
        }

        return value.GetArrayLength() <= most
            ? [.. value.EnumerateArray()]
            : throw new TokenException($"The token's claim {name} has more than {most} entries.");
    }
}
