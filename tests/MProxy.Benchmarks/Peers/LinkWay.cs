using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>The way of a link from the device to its server: direct, or through a proxy where it takes a while.</summary>
/// <param name="oneWay">What it takes one way; zero for no proxy.</param>
internal sealed class LinkWay(TimeSpan oneWay)
{
    private readonly IPEndPoint? _proxy = oneWay > TimeSpan.Zero ? Ports.Free() : null;

    /// <summary>Where the server is to listen.</summary>
    public IPEndPoint Server { get; } = Ports.Free();

    /// <summary>Where the device is to dial.</summary>
    public IPEndPoint Entrance => _proxy ?? Server;

    /// <summary>Starts the proxy, when the server listens; null where there is none.</summary>
    public Child? Start() => _proxy is null ? null : DelayProxy.Start(_proxy, Server, oneWay);
}
