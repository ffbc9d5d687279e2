using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>Two stunnels with TLS between them, a connection for each client.</summary>
internal sealed class StunnelPeer() : TunnelPeer("stunnel pair", PeerKind.Tls)
{
    public override string? WhyMissing() => Programs.WhyMissing("stunnel");

    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, link) = (Ports.Free(), Ports.Free());
        var folder = new TemporaryFolder();
        var certificate = BenchmarkCertificate.Write(folder);
        var far = folder.Write("far.conf", $"""
            foreground = yes
            pid =
            debug = 3
            [service]
            accept = {link}
            connect = {service}
            cert = {certificate}
            sslVersionMin = TLSv1.3
            ciphersuites = TLS_AES_128_GCM_SHA256
            socket = l:TCP_NODELAY=1
            socket = r:TCP_NODELAY=1

            """);
        var near = folder.Write("near.conf", $"""
            foreground = yes
            pid =
            debug = 3
            [client]
            client = yes
            accept = {entrance}
            connect = {link}
            sslVersionMin = TLSv1.3
            ciphersuites = TLS_AES_128_GCM_SHA256
            socket = l:TCP_NODELAY=1
            socket = r:TCP_NODELAY=1

            """);
        return Together(entrance, () => folder, () => Child.Start("stunnel", [far]), () => Child.Start("stunnel", [near]));
    }
}
