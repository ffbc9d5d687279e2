using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Device;

/// <summary>Reads the text of a local service.</summary>
internal static class LocalTargetReader
{
    private const string Forms = "write it as host:port, tls://host:port, udp://host:port, dns://host:port or unix:/path";
    private const string UnixStart = "unix:";

    /// <summary>What stands around host and port in other addresses.</summary>
    private static readonly SearchValues<char> Foreign = SearchValues.Create(" /\\?#@");

    public static LocalTarget Read(string text)
    {
        if (text.Length == 0)
        {
            throw new FormatException($"There is no local service: {Forms}.");
        }

        if (text.Any(char.IsControl))
        {
            throw new FormatException("The local service holds a control character.");
        }

        if (text.StartsWith(UnixStart, StringComparison.OrdinalIgnoreCase))
        {
            return ReadUnix(text, text[UnixStart.Length..]);
        }

        var end = text.IndexOf("://", StringComparison.Ordinal);
        return end < 0 ? ReadNetwork(text, text) : text[..end].ToLowerInvariant() switch
        {
            // A slash at the end is what [uri] adds.
            "tcp" => ReadNetwork(text, WithoutSlash(text[(end + 3)..])),
            "udp" => ReadNetwork(text, WithoutSlash(text[(end + 3)..])) with { TakesDatagrams = true, TakesStreams = false },
            "dns" => ReadNetwork(text, WithoutSlash(text[(end + 3)..])) with { TakesDatagrams = true },
            "tls" => ReadNetwork(text, WithoutSlash(text[(end + 3)..])) with { UseTls = true },
            _ => throw new FormatException($"'{text}' starts with '{text[..end]}', which no local service does: {Forms}."),
        };
    }

    private static LocalTarget ReadUnix(string text, string path)
    {
        if (path.StartsWith("//", StringComparison.Ordinal))
        {
            path = path[2..];
        }

        if (!path.StartsWith('/') || path.Length == 1)
        {
            throw new FormatException($"'{text}' has no absolute path: write it as unix:/run/service.sock, with one slash or three.");
        }

        return new LocalTarget("", 0)
        {
            SocketPath = UnixSocket.PathFrom(path) ?? throw new FormatException($"The path of '{text}' is too long for a socket file on this system."),
        };
    }

    private static LocalTarget ReadNetwork(string text, string address)
    {
        var wrong = address.AsSpan().IndexOfAny(Foreign);
        if (wrong >= 0)
        {
            throw new FormatException($"'{text}' holds '{address[wrong]}', which no host and no port does: {Forms}.");
        }

        var (host, rest) = address.StartsWith('[') ? SplitBracketed(text, address) : Split(text, address);
        if (!ushort.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            throw new FormatException($"'{text}' has '{rest}' for a port: give a number from 1 to 65535.");
        }

        return new LocalTarget(host, port);
    }

    private static (string Host, string Port) SplitBracketed(string text, string address)
    {
        var end = address.IndexOf(']', StringComparison.Ordinal);
        if (end < 0 || !IPAddress.TryParse(address[1..end], out var host) || host.AddressFamily != AddressFamily.InterNetworkV6)
        {
            throw new FormatException($"'{text}' has no IPv6 address in its brackets: write it like [::1]:80, and any other host without them.");
        }

        return address.AsSpan(end + 1) is [':', ..]
            ? (address[1..end], address[(end + 2)..])
            : throw new FormatException($"'{text}' names no port: write it as {address[..(end + 1)]}:port.");
    }

    private static (string Host, string Port) Split(string text, string address)
    {
        var colon = address.LastIndexOf(':');
        var host = colon < 0 ? "" : address[..colon];
        if (colon < 0 && !address.All(char.IsAsciiDigit))
        {
            throw new FormatException($"'{text}' names no port: write it as {address}:port.");
        }

        if (host.Length == 0)
        {
            throw new FormatException($"'{text}' names no host: write it as 127.0.0.1:port, or with another host.");
        }

        return host.Contains(':', StringComparison.Ordinal)
            ? throw new FormatException($"'{text}' has more than one colon: an IPv6 address stands in brackets, as in [::1]:80.")
            : (host, address[(colon + 1)..]);
    }

    private static string WithoutSlash(string address) => address.EndsWith('/') ? address[..^1] : address;
}
