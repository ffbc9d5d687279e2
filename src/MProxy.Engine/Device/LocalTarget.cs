using System.Globalization;

namespace MProxy.Engine.Device;

/// <summary>A local service that a device dials for its clients: <c>127.0.0.1:9000</c>, <c>localhost:22</c>, <c>[::1]:80</c>.</summary>
public sealed record LocalTarget(string Host, int Port)
{
    /// <summary>Reads the text of one.</summary>
    /// <exception cref="FormatException">Says what is wrong with it.</exception>
    public static LocalTarget Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "" : text[..colon];
        var bracketed = host is ['[', .., ']'];
        if (host.Length == 0 || (!bracketed && host.Contains(':', StringComparison.Ordinal))
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            throw new FormatException($"'{text}' is no local service: write it as host:port, with an IPv6 address in brackets.");
        }

        return new LocalTarget(bracketed ? host[1..^1] : host, port);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");
}
