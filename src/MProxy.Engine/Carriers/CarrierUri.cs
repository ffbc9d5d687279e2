using System.Globalization;
using System.Net;

namespace MProxy.Engine.Carriers;

/// <summary>Where a relay listens and a device dials: <c>tcp://127.0.0.1:5443</c>.</summary>
public sealed record CarrierUri
{
    private CarrierUri(string scheme, string host, int port)
    {
        Scheme = scheme;
        Host = host;
        Port = port;
    }

    /// <summary>What the link runs over; <c>tcp</c> for now.</summary>
    public string Scheme { get; }

    /// <summary>Host name or address, without brackets.</summary>
    public string Host { get; }

    /// <summary>TCP port, 0 to 65535; 0 lets the system choose where a relay listens.</summary>
    public int Port { get; init; }

    /// <summary>Reads the text of one.</summary>
    /// <exception cref="FormatException">Says what is wrong with it.</exception>
    public static CarrierUri Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            throw new FormatException($"'{text}' is no carrier address: write it as tcp://host:port.");
        }

        if (uri.Scheme != "tcp")
        {
            throw new FormatException($"The carrier '{uri.Scheme}' in '{text}' is not supported: use tcp://host:port.");
        }

        if (uri.Port < 0 || uri.PathAndQuery is not ("" or "/") || uri.UserInfo.Length > 0)
        {
            throw new FormatException($"'{text}' needs a port and nothing behind it: write it as tcp://host:port.");
        }

        return new CarrierUri(uri.Scheme, uri.IdnHost.Trim('[', ']'), uri.Port);
    }

    /// <summary>The addresses a relay listens on for this.</summary>
    /// <exception cref="FormatException">The host is no address and not localhost.</exception>
    public IPEndPoint ToEndPoint() =>
        IPAddress.TryParse(Host == "localhost" ? "127.0.0.1" : Host, out var address)
            ? new IPEndPoint(address, Port)
            : throw new FormatException($"A relay listens on an IP address, and '{Host}' is none: write for example tcp://127.0.0.1:{Port}.");

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");
}
