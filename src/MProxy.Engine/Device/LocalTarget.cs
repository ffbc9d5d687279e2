using System.Globalization;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Device;

/// <summary>
/// A local service that a device dials for its clients: <c>127.0.0.1:9000</c>, <c>localhost:22</c>, <c>[::1]:80</c>, <c>tls://host:443</c>,
/// <c>udp://host:port</c>, <c>dns://host:53</c>, <c>unix:///run/service.sock</c>.
/// </summary>
/// <param name="Host">A name or an address; empty where the service is a socket file.</param>
/// <param name="Port">Its port; 0 where the service is a socket file.</param>
public sealed record LocalTarget(string Host, int Port) : IServiceTarget
{
    /// <summary>The socket file to dial; null where the service has a host and a port.</summary>
    public string? SocketPath { get; init; }

    /// <summary>The service in this process; null for one that is dialled.</summary>
    public IClientService? Handler { get; init; }

    /// <summary>The service speaks TLS.</summary>
    public bool UseTls { get; init; }

    /// <summary>The service takes datagrams.</summary>
    public bool TakesDatagrams { get; init; }

    /// <summary>The service takes streams. One of DNS takes both.</summary>
    public bool TakesStreams { get; init; } = true;

    private string Scheme => UseTls ? "tls://" : !TakesDatagrams ? "" : TakesStreams ? "dns://" : "udp://";

    /// <summary>The service can be probed: it is dialled, and takes streams.</summary>
    public bool IsProbeable => TakesStreams && Handler is null;

    /// <summary>A service in this process.</summary>
    public static LocalTarget For(IClientService handler) => new("", 0) { Handler = handler };

    /// <summary>Reads the text of one.</summary>
    /// <exception cref="FormatException">Says what is wrong with it, and what to write instead.</exception>
    public static LocalTarget Parse(string text) => LocalTargetReader.Read(text);

    /// <inheritdoc/>
    public override string ToString() => Handler is { } handler ? $"{handler}" : SocketPath is { } path
        ? $"unix://{(path.StartsWith('/') ? "" : "/")}{path}"
        : string.Create(CultureInfo.InvariantCulture, $"{Scheme}{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");
}
