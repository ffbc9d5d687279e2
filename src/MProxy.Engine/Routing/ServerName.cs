using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MProxy.Engine.Routing;

/// <summary>
/// The one spelling in which names are compared. Routing and authorisation both fold here, so that they never read a name in two ways.
/// </summary>
internal static class ServerName
{
    /// <summary>What stands before a name to mean everything below it.</summary>
    public const string Wildcard = "*.";

    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private static readonly SearchValues<char> IPv6Letters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>
    /// A host in lower case and without a last dot: a DNS name in ASCII (RFC 5891), or an IP address as .NET writes it, without brackets.
    /// Null for what is neither.
    /// </summary>
    public static string? TryFold(string host)
    {
        // The longest there can be, with its last dot: what is longer is not worth any work.
        if (host.Length > MaxLength + 1)
        {
            return null;
        }

        if (host.Contains(':', StringComparison.Ordinal))
        {
            return TryFoldIPv6(host is ['[', .., ']'] ? host[1..^1] : host);
        }

        var ascii = Ascii.IsValid(host) ? host.ToLowerInvariant() : InternationalName.TryEncode(host);
        var name = ascii is [.., '.'] ? ascii[..^1] : ascii;
        return name is { Length: <= MaxLength } && (IsName(name) || IsIPv4(name)) ? name : null;
    }

    /// <summary>The same for the bytes of a wire, where names are ASCII (RFC 6066, section 3; RFC 9110, section 4.2).</summary>
    public static string? TryFold(ReadOnlySpan<byte> host) =>
        host.Length <= MaxLength + 1 && Ascii.IsValid(host) ? TryFold(Encoding.ASCII.GetString(host)) : null;

    /// <summary>The same for a host, and for <c>*.name</c>, which stands for everything below a name.</summary>
    public static string? TryFoldPattern(string domain)
    {
        if (!domain.StartsWith(Wildcard, StringComparison.Ordinal))
        {
            return TryFold(domain);
        }

        // Nothing is below an address.
        return TryFold(domain[Wildcard.Length..]) is { } name && !IsAddress(name) ? Wildcard + name : null;
    }

    /// <summary>A folded host is an IP address: a name never ends in a number.</summary>
    public static bool IsAddress(string folded) => folded.Contains(':', StringComparison.Ordinal) || IsIPv4(folded);

    private static bool IsName(string name)
    {
        var rest = name.AsSpan();
        while (true)
        {
            var dot = rest.IndexOf('.');
            var label = dot < 0 ? rest : rest[..dot];
            if (!IsLabel(label))
            {
                return false;
            }

            if (dot < 0)
            {
                return !IsNumber(label);
            }

            rest = rest[(dot + 1)..];
        }
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        foreach (var letter in label)
        {
            if (!char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter is not ('-' or '_'))
            {
                return false;
            }
        }

        return label.Length is > 0 and <= MaxLabelLength && label[0] != '-' && label[^1] != '-';
    }

    /// <summary>Who ends in a number is an IPv4 address to some readers, in hexadecimal too (URL Standard, "ends in a number").</summary>
    private static bool IsNumber(ReadOnlySpan<char> label) => label.StartsWith("0x")
        ? !label[2..].ContainsAnyExcept(HexDigits)
        : !label.ContainsAnyExceptInRange('0', '9');

    /// <summary>Four decimal numbers, spelled as they would be written: readers differ about <c>127.1</c> and <c>010.0.0.1</c>.</summary>
    private static bool IsIPv4(string host) => IPAddress.TryParse(host, out var address)
        && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == host;

    /// <summary>Without zone, port and prefix, all of which the parser would let pass.</summary>
    private static string? TryFoldIPv6(string host) => !host.AsSpan().ContainsAnyExcept(IPv6Letters)
        && IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 ? address.ToString() : null;
}
