using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>The way of a link from the device to its server: direct, or through a proxy where it is long or narrow.</summary>
/// <param name="kind">What it is like.</param>
internal sealed class LinkWay(WayKind kind)
{
    private readonly IPEndPoint? _proxy = kind == default ? null : Ports.Free();

    /// <summary>Where the server is to listen.</summary>
    public IPEndPoint Server { get; } = Ports.Free();

    /// <summary>Where the device is to dial.</summary>
    public IPEndPoint Entrance => _proxy ?? Server;

    /// <summary>Starts the proxy, when the server listens; null where there is none.</summary>
    public Child? Start() => _proxy is null ? null : WayProxy.Start(_proxy, Server, kind);
}
