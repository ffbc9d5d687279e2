using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Fleet;

/// <summary>
/// Where the directory of a fleet is: <c>redis://[user[:password]@]host[:port][,host[:port]…][/database][?prefix=name]</c>, <c>rediss://…</c> with TLS,
/// or <c>memory://name</c> for relays of one process. The password is a secret, which no text of it shows.
/// </summary>
public sealed record DirectoryUri
{
    private const int DefaultPort = 6379;
    private const string Forms = "write it as redis://host:6379, rediss://host:6379 or memory://name";

    private DirectoryUri(string scheme)
    {
        Scheme = scheme;
    }

    /// <summary><c>redis</c>, <c>rediss</c> or <c>memory</c>.</summary>
    public string Scheme { get; }

    /// <summary>The servers, host and port each: those of a cluster are found from any of them. For memory its name, with port 0.</summary>
    public IReadOnlyList<(string Host, int Port)> Servers { get; private init; } = [];

    /// <summary>Who to be there; null where nothing is said.</summary>
    public string? User { get; private init; }

    /// <summary>What to show there. A secret.</summary>
    internal string? Password { get; init; }

    /// <summary>The database by its number.</summary>
    public int Database { get; private init; }

    /// <summary>What all keys start with, so that several fleets may share a server.</summary>
    public string Prefix { get; private init; } = "mproxy";

    /// <summary>TLS protects it.</summary>
    public bool IsSecure => Scheme == "rediss";

    /// <summary>The certificates that it may show, by their thumbprints; where there are none, those that this machine trusts.</summary>
    internal IReadOnlyList<string> Thumbprints { get; init; } = [];

    /// <summary>What it is shown where it asks for a certificate; null for nothing.</summary>
    internal X509Certificate2? Certificate { get; init; }

    /// <summary>Reads the text of one.</summary>
    /// <exception cref="FormatException">Says what is wrong with it, without user and password.</exception>
    public static DirectoryUri Parse(string text)
    {
        var end = text.IndexOf("://", StringComparison.Ordinal);
        var scheme = end > 0 ? text[..end].ToLowerInvariant() : "";
        if (scheme is not ("redis" or "rediss" or "memory"))
        {
            throw new FormatException($"The directory has no scheme that is known: {Forms}.");
        }

        var rest = text[(end + 3)..];
        var (place, query) = Cut(rest, '?');
        var (authority, path) = Cut(place, '/');
        var at = authority.LastIndexOf('@');
        var (user, password) = at < 0 ? (null, null) : Cut(authority[..at], ':');
        var servers = authority[(at + 1)..].Split(',').Select(server => ReadServer(server, scheme)).ToArray();
        return scheme == "memory" && (at >= 0 || path is not null || query is not null || servers.Length != 1)
            ? throw new FormatException("A directory in memory has a name and nothing else: write it as memory://name.")
            : new DirectoryUri(scheme)
            {
                Servers = servers,
                User = string.IsNullOrEmpty(user) ? null : Uri.UnescapeDataString(user),
                Password = password is null ? null : Uri.UnescapeDataString(password),
                Database = ReadDatabase(path),
                Prefix = ReadPrefix(query),
            };
    }

    /// <summary>The same with another password.</summary>
    public DirectoryUri WithPassword(string password) => this with { Password = password };

    /// <summary>The same with what TLS takes.</summary>
    /// <param name="thumbprints">The directory's certificates by SHA-256 or SHA-1: they decide alone. None for any that this machine trusts.</param>
    /// <param name="certificate">What to show to a directory that asks for a certificate.</param>
    /// <exception cref="ArgumentException">One is no thumbprint, or there is one and no TLS.</exception>
    public DirectoryUri WithTls(IReadOnlyList<string> thumbprints, X509Certificate2? certificate)
    {
        _ = new CertificatePins(thumbprints, nameof(thumbprints));
        return thumbprints.Count > 0 && !IsSecure
            ? throw new ArgumentException($"A thumbprint is for a directory with TLS, and {Scheme} has none: write rediss://.")
            : this with { Thumbprints = thumbprints, Certificate = certificate };
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var user = Password is null ? User is null ? "" : $"{User}@" : $"{User}:***@";
        var servers = string.Join(',', Servers.Select(server => Scheme == "memory" ? server.Host : $"{(server.Host.Contains(':', StringComparison.Ordinal) ? $"[{server.Host}]" : server.Host)}:{server.Port}"));
        return $"{Scheme}://{user}{servers}{(Database > 0 ? $"/{Database}" : "")}{(Prefix == "mproxy" ? "" : $"?prefix={Prefix}")}";
    }

    /// <inheritdoc/>
    public bool Equals(DirectoryUri? other) => other is not null && $"{this}" == $"{other}" && Password == other.Password && Thumbprints.SequenceEqual(other.Thumbprints, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode($"{this}");

    private static (string Before, string? After) Cut(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text, null) : (text[..index], text[(index + 1)..]);
    }

    private static (string Host, int Port) ReadServer(string text, string scheme)
    {
        if (scheme == "memory")
        {
            return text.Length > 0 ? (text, 0) : throw new FormatException("A directory in memory needs a name: write it as memory://name.");
        }

        // A bracketed address of IPv6 has colons of its own.
        var colon = text.LastIndexOf(':') is var last && last > text.LastIndexOf(']') ? last : -1;
        var host = (colon < 0 ? text : text[..colon]).Trim('[', ']');
        var port = DefaultPort;
        return Uri.CheckHostName(host) == UriHostNameType.Unknown
            ? throw new FormatException($"A server of the directory is no host name and no address: {Forms}.")
            : colon >= 0 && (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > ushort.MaxValue)
            ? throw new FormatException($"The port of a server of the directory is none from 1 to 65535: {Forms}. A character with a meaning in addresses is written as %2F in a password.")
            : (host, port);
    }

    private static int ReadDatabase(string? path) => string.IsNullOrEmpty(path) ? 0
        : int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out var database) ? database
        : throw new FormatException("Behind the server stands the number of a database, and nothing else: redis://host:6379/0.");

    private static string ReadPrefix(string? query)
    {
        const string Name = "prefix=";
        return query is null ? "mproxy"
            : query.StartsWith(Name, StringComparison.Ordinal) && query[Name.Length..] is { Length: > 0 and <= 64 } prefix && prefix.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or ':')
            ? prefix
            : throw new FormatException("Behind a directory's question mark stands prefix= with up to 64 letters, digits and any of -_.: and nothing else.");
    }
}
