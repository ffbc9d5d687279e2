using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using static System.FormattableString;

namespace MProxy.Benchmarks.Load;

/// <summary>Clients that are connected and say nothing.</summary>
/// <param name="kinds">The tunnels that it is for.</param>
/// <param name="count">How many, or as many as the length of the load allows. A peer that cannot have them is left out.</param>
internal sealed class HoldLoad(PeerKind kinds, int count) : ITunnelLoad
{
    private readonly Measure _memory = new(Invariant($"idle connection, {count:#,0} held"), "KiB", Better.Lower, IsCharted: count == LoadLength.Full.Held);

    public IReadOnlyList<Measure> Measures => [_memory];

    public PeerKind Kinds => kinds;

    public bool NeedsFreshTunnel => true;

    public IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        var held = Math.Min(count, length.Held);
        if (held > tunnel.MaxHeld)
        {
            return [double.NaN];
        }

        using var crowd = Crowd.Gather(tunnel, server, held);
        return [crowd.MemoryOfEach];
    }
}
