using System.Globalization;

namespace MProxy.Tokens;

/// <summary>Names of services, in the one spelling in which they are compared.</summary>
internal static class DomainName
{
    private const string Wildcard = "*.";
    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;

    /// <summary>The name in lower case and ASCII (RFC 3490); null for what is no DNS name or <c>*.name</c>.</summary>
    public static string? Normalize(string? name)
    {
        if (name is null || name.Length > MaxLength)
        {
            return null;
        }

        var prefix = name.StartsWith(Wildcard, StringComparison.Ordinal) ? Wildcard : "";
        return ToAscii(name[prefix.Length..]) is { } ascii && IsPlausible(ascii) ? prefix + ascii : null;
    }

    private static string? ToAscii(string name)
    {
        if (name.All(char.IsAscii))
        {
            return name.ToLowerInvariant();
        }

        try
        {
            return new IdnMapping().GetAscii(name.ToLowerInvariant()).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static bool IsPlausible(string name)
    {
        var labels = name.Split('.');

        // A last label of digits is the end of an IPv4 address.
        return name.Length <= MaxLength && labels.All(IsLabel) && !labels[^1].All(char.IsAsciiDigit);
    }

    private static bool IsLabel(string label) => label.Length is > 0 and <= MaxLabelLength
        && label[0] != '-' && label[^1] != '-'
        && label.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '_');
}
