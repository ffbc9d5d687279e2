using System.Globalization;
using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>Nerdbank.Streams' MultiplexingStream between two processes of this program, of which the device's side dials.</summary>
/// <param name="kind">How it is set up.</param>
/// <param name="wayKind">What the way of its link is like.</param>
internal sealed class NerdbankPeer(PeerKind kind, WayKind wayKind = default) : TunnelPeer("Nerdbank.Streams", kind)
{
    protected override RunningTunnel StartTunnel(IPEndPoint service)
    {
        var (entrance, way) = (Ports.Free(), new LinkWay(wayKind));
        return Together(
            entrance,
            () => Start("relay", way.Server, entrance).WhenItSays(NerdbankTunnel.Ready),
            way.Start,
            () => Start("device", way.Entrance, service));
    }

    // With inline completions, as ours has them where the process is its own.
    private static Child Start(string role, IPEndPoint link, IPEndPoint other) => Child.Start(
        Environment.ProcessPath!,
        [NerdbankTunnel.Command, role, Port(link), Port(other)],
        isAside: false,
        (MProxyShell.InlineCompletions, "1"));

    private static string Port(IPEndPoint address) => address.Port.ToString(CultureInfo.InvariantCulture);
}
