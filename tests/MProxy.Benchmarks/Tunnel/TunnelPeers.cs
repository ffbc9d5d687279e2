using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Tunnel;

/// <summary>Whose tunnels are measured.</summary>
internal static class TunnelPeers
{
    public const string AsInPwsh = $"{Names.Ours} in pwsh";
    public const string Tls = $"{Names.Ours} tls";
    public const string WebSocket = $"{Names.Ours} ws";

    public static readonly IReadOnlyList<TunnelPeer> All =
    [
        new DirectPeer(),
        new MProxyPeer(Names.Ours, PeerKind.Plain),
        new MProxyPeer(AsInPwsh, PeerKind.Plain | PeerKind.Hosted),
        new HaproxyPeer(),
        new SocatPeer(),
        new SshPeer(PeerKind.Plain | PeerKind.Tls),
        new YamuxPeer(PeerKind.Plain),
        new NerdbankPeer(PeerKind.Plain),
        new MProxyPeer(Tls, PeerKind.Tls, "tls"),
        new StunnelPeer(),
        new MProxyPeer(WebSocket, PeerKind.WebSocket, "ws"),
        new MProxyPeer($"{Names.Ours} wss", PeerKind.WebSocket, "wss"),
        new MProxyPeer(Names.Ours, PeerKind.Far, wayKind: WayKind.Far),
        new SshPeer(PeerKind.Far, WayKind.Far),
        new YamuxPeer(PeerKind.Far, WayKind.Far),
        new YamuxPeer(PeerKind.Far, WayKind.Far, window: 16 << 10),
        new NerdbankPeer(PeerKind.Far, WayKind.Far),
        new MProxyPeer(Names.Ours, PeerKind.Narrow, wayKind: WayKind.Narrow),
        new SshPeer(PeerKind.Narrow, WayKind.Narrow),
        new YamuxPeer(PeerKind.Narrow, WayKind.Narrow),
        new NerdbankPeer(PeerKind.Narrow, WayKind.Narrow),
    ];
}
