using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>HAProxy in TCP mode, which makes one hop.</summary>
internal sealed class HaproxyPeer() : TunnelPeer("HAProxy, one hop", PeerKind.Plain)
{
    // Two descriptors each, of the 20,000 that a process commonly has.
    private const int MaxClients = 9_000;

    public override string? WhyMissing() => Programs.WhyMissing("haproxy");

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var entrance = Ports.Free();
        var folder = new TemporaryFolder();
        var configuration = folder.Write("haproxy.cfg", $"""
            global
              maxconn {MaxClients}
              nbthread 2
              tune.bufsize 65536
            defaults
              mode tcp
              timeout connect 10s
              timeout client 300s
              timeout server 300s
            listen entrance
              bind {entrance} backlog 4096
              server service {service}

            """);
        return new RunningTunnel(entrance, folder, Child.Start(Programs.Find("haproxy")!, ["-db", "-f", configuration])) { MaxHeld = MaxClients };
    }
}
