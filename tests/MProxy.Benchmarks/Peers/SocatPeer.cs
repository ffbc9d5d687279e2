using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>socat, which makes one hop, with a process for each client.</summary>
internal sealed class SocatPeer() : TunnelPeer("socat, one hop", PeerKind.Plain)
{
    public override string? WhyMissing() => Programs.WhyMissing("socat");

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var entrance = Ports.Free();
        var child = Child.Start("socat", ["-b", "65536", $"TCP-LISTEN:{entrance.Port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=4096", $"TCP:{service},nodelay"]);
        return new RunningTunnel(entrance, child) { MaxHeld = 100 };
    }
}
