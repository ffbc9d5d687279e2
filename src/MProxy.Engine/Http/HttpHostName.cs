using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MProxy.Engine.Http;

/// <summary>The host in what a request says where it wants to go (RFC 3986, section 3.2; RFC 9110, section 7.2).</summary>
public static class HttpHostName
{
    private const int MaxPortLength = 5;

    /// <summary>The host in lower case and without port; null where the data starts with no whole head of an HTTP/1.x request, or names none.</summary>
    public static string? Find(ReadOnlySpan<byte> data) =>
        HttpRequestHead.Read(data).Head?.Authority is { } authority ? TryRead(authority)?.ToLowerInvariant() : null;

    /// <summary>The host without its port, otherwise as it came: an IPv6 address keeps its brackets. Null where it is none.</summary>
    internal static string? TryRead(string authority) => TrySplit(authority, out var host, out _) ? host : null;

    /// <summary>
    /// Takes host and port apart. Only what names of the domain system and addresses consist of is a host: nothing that another reader might
    /// decode, cut or take for a user name.
    /// </summary>
    internal static bool TrySplit(string authority, [NotNullWhen(true)] out string? host, out int? port)
    {
        var end = authority is ['[', ..] ? authority.IndexOf(']', StringComparison.Ordinal) + 1 : authority.IndexOf(':', StringComparison.Ordinal);
        end = end < 0 ? authority.Length : end;
        host = authority[..end];
        port = null;
        return (IsName(host) || IsBracketed(host)) && (end == authority.Length || TryReadPort(authority[end..], out port));
    }

    private static bool IsName(string host) => host.Length > 0 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');

    private static bool IsBracketed(string host) => host is ['[', _, _, .., ']'] && host[1..^1].All(c => char.IsAsciiHexDigit(c) || c is ':' or '.');

    private static bool TryReadPort(string text, out int? port)
    {
        port = null;
        if (text is not [':', .. { Length: <= MaxPortLength } digits]
            || !digits.All(char.IsAsciiDigit)
            || !ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        port = number;
        return true;
    }
}
