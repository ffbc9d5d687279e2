using System.Globalization;

namespace MProxy.Engine.Health;

/// <summary>How a device finds out whether a local service is well.</summary>
public sealed record ServiceProbe
{
    private const string HttpStart = "http:";
    private const int MaxPathLength = 2000;

    /// <summary>
    /// What is asked for by HTTP, with GET: any answer from 200 to 399 will do. A path in printable ASCII, at most 2,000 characters. Null
    /// where the service only has to accept a connection.
    /// </summary>
    public string? HttpPath { get; init; }

    /// <summary>How long after a result the next probe begins, 0.1 s to 1 hour.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a probe may take, 0.1 s to 10 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many probes in a row have to pass before a service that is down is up, 1 to 100.</summary>
    public int Rise { get; init; } = 2;

    /// <summary>How many have to fail before one that is up is down, 1 to 100. The very first probe decides alone.</summary>
    public int Fall { get; init; } = 3;

    /// <summary>Reads the text of one: <c>tcp</c>, or <c>http:/path</c>.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static ServiceProbe Parse(string text)
    {
        if (text.Equals("tcp", StringComparison.OrdinalIgnoreCase))
        {
            return new ServiceProbe();
        }

        var path = text.StartsWith(HttpStart, StringComparison.OrdinalIgnoreCase) ? text[HttpStart.Length..] : "";
        return IsPath(path) ? new ServiceProbe { HttpPath = path }
            : throw new FormatException($"'{text}' is no health check: write it as tcp, or as http:/path with a path in printable ASCII.");
    }

    /// <inheritdoc/>
    public override string ToString() => HttpPath is null ? "tcp" : HttpStart + HttpPath;

    /// <summary>Refuses what is out of range.</summary>
    /// <exception cref="ArgumentException">Says what.</exception>
    internal void Check()
    {
        Refuse(HttpPath is { } path && !IsPath(path), nameof(HttpPath), "starts with a slash and is printable ASCII, at most 2,000 characters");
        Refuse(Interval < TimeSpan.FromSeconds(0.1) || Interval > TimeSpan.FromHours(1), nameof(Interval), "is from 0.1 s to 1 hour");
        Refuse(Timeout < TimeSpan.FromSeconds(0.1) || Timeout > TimeSpan.FromMinutes(10), nameof(Timeout), "is from 0.1 s to 10 minutes");
        Refuse(Rise is < 1 or > 100, nameof(Rise), "is from 1 to 100");
        Refuse(Fall is < 1 or > 100, nameof(Fall), "is from 1 to 100");
    }

    private static void Refuse(bool condition, string what, string rule)
    {
        if (condition)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{what} of a service's probe {rule}."));
        }
    }

    /// <summary>Nothing else gets into the request line: no space, no line end, and no fragment, which no server sees.</summary>
    private static bool IsPath(string path) =>
        path.Length is > 0 and <= MaxPathLength && path[0] == '/' && !path.AsSpan().ContainsAnyExceptInRange('!', '~') && !path.Contains('#', StringComparison.Ordinal);
}
