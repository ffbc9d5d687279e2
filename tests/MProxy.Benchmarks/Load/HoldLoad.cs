using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using static System.FormattableString;

namespace MProxy.Benchmarks.Load;

/// <summary>Clients that are connected and say nothing.</summary>
/// <param name="kinds">The tunnels that it is for.</param>
/// <param name="count">How many, or as many as the peer or the length of the load allows.</param>
internal sealed class HoldLoad(PeerKind kinds, int count) : ITunnelLoad
{
    private const double Kibi = 1 << 10;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly Measure _memory = new(Invariant($"idle connection, {count:#,0} held"), "KiB", Better.Lower, IsCharted: count == LoadLength.Full.Held);

    public IReadOnlyList<Measure> Measures => [_memory];

    public PeerKind Kinds => kinds;

    public bool NeedsFreshTunnel => true;

    public IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length)
    {
        var held = new[] { count, length.Held, tunnel.MaxHeld }.Min();
        var before = tunnel.MemoryBytes();
        try
        {
            using var clients = HoldingClients.Start(tunnel.Entrance, held);

            // Both ends have to be there: this process has the service's, the other the clients'.
            Thread.Sleep(Settling);
            return server.Held == held
                ? [(tunnel.MemoryBytes() - before) / Kibi / held]
                : throw new IOException($"{server.Held} of {held} connections are held.");
        }
        finally
        {
            server.Release();
        }
    }
}
