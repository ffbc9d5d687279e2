using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;

namespace MProxy.Benchmarks.Tunnel;

/// <summary>What is done to tunnels.</summary>
internal static class TunnelLoads
{
    private const PeerKind Every = PeerKind.Direct | PeerKind.Plain | PeerKind.Tls | PeerKind.WebSocket;
    private const PeerKind Unencrypted = PeerKind.Direct | PeerKind.Plain;

    public static readonly StreamLoad OneDown = new(1, isUp: false, Every);
    public static readonly StreamLoad OneUp = new(1, isUp: true, Every);
    public static readonly StreamLoad SomeDown = new(16, isUp: false, Unencrypted);
    public static readonly StreamLoad SomeUp = new(16, isUp: true, Unencrypted);
    public static readonly StreamLoad ManyDown = new(64, isUp: false, Unencrypted);
    public static readonly StreamLoad ManyUp = new(64, isUp: true, Unencrypted);
    public static readonly StreamLoad BesideStalled = new(1, isUp: false, PeerKind.Plain, " beside a client that reads nothing", stalled: 1);
    public static readonly StreamLoad FarDown = new(1, isUp: false, PeerKind.Far, " at 50 ms", isSlow: true);
    public static readonly StreamLoad FarUp = new(1, isUp: true, PeerKind.Far, " at 50 ms", isSlow: true);
    public static readonly EchoLoad Echo = new(downloads: 0, Every);
    public static readonly EchoLoad EchoBesideDownloads = new(downloads: 4, Every);
    public static readonly EchoLoad NarrowEcho = new(downloads: 4, PeerKind.Narrow, " at 20 Mbit/s", isSlow: true);
    public static readonly ConnectionLoad Connections = new(Unencrypted);
    public static readonly HoldLoad HoldSome = new(PeerKind.Plain, LoadLength.Full.Held / 100);
    public static readonly HoldLoad HoldMore = new(PeerKind.Plain, LoadLength.Full.Held / 10);
    public static readonly HoldLoad Hold = new(PeerKind.Plain, LoadLength.Full.Held);

    public static readonly IReadOnlyList<ITunnelLoad> All =
        [OneDown, OneUp, SomeDown, SomeUp, ManyDown, ManyUp, BesideStalled, Echo, EchoBesideDownloads, NarrowEcho, Connections, FarDown, FarUp, HoldSome, HoldMore, Hold];
}
