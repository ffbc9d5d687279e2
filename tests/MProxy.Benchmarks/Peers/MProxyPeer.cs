using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>A relay and a tunnel of ours, each in a Shell of its own.</summary>
/// <param name="name">As the report calls it.</param>
/// <param name="kind">How it is set up.</param>
/// <param name="scheme">Of the link.</param>
/// <param name="wayKind">What the way of its link is like.</param>
internal sealed class MProxyPeer(string name, PeerKind kind, string scheme = "tcp", WayKind wayKind = default) : TunnelPeer(name, kind)
{
    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, way) = (Ports.Free(), new LinkWay(wayKind));
        var folder = new TemporaryFolder();
        var isTls = scheme is "tls" or "wss";
        var certificate = isTls ? $"-CertificatePath '{BenchmarkCertificate.Write(folder)}'" : "";
        var trust = isTls ? "-SkipCertificateCheck" : "";
        return Together(
            entrance,
            () => folder,
            () => Shell($"$null = Start-MProxyRelay -Listen {scheme}://{way.Server} -TcpPort {entrance.Port} {certificate} {MProxyShell.NoLimits}").WhenItListens(way.Server),
            way.Start,
            () => Shell($"$null = Start-MProxyTunnel -Relay {scheme}://{way.Entrance} -Service @{{ tcp = '{service}' }} {trust}"));
    }

    private Child Shell(string script) => MProxyShell.Start(script, inlines: !Kind.HasFlag(PeerKind.Hosted));
}
