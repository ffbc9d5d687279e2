using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>No tunnel: the limit of the machine.</summary>
internal sealed class DirectPeer() : TunnelPeer("direct", PeerKind.Direct)
{
    protected override RunningTunnel StartTunnel(IPEndPoint service) => new(service);
}
