using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Load;

/// <summary>Clients of a tunnel that are connected and say nothing, until they are disposed of.</summary>
internal sealed class Crowd : IDisposable
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly Child _clients;
    private readonly LoadServer _server;

    private Crowd(Child clients, LoadServer server) => (_clients, _server) = (clients, server);

    /// <summary>What each of them takes in memory of the tunnel's processes, in KiB.</summary>
    public double MemoryOfEach { get; private init; }

    /// <summary>Connects them, and waits until both ends of all are there.</summary>
    /// <exception cref="IOException">Some are not.</exception>
    public static Crowd Gather(RunningTunnel tunnel, LoadServer server, int count)
    {
        Child? clients = null;
        try
        {
            var before = tunnel.MemoryBytes();
            clients = HoldingClients.Start(tunnel.Entrance, count);

            // This process has the service's end, the other the clients'.
            Thread.Sleep(Settling);
            var memory = (tunnel.MemoryBytes() - before) / Units.Kibi / count;
            return server.Held == count
                ? new Crowd(clients, server) { MemoryOfEach = memory }
                : throw new IOException($"{server.Held} of {count} connections are held.");
        }
        catch
        {
            // Or the next tunnel's would be counted together with these.
            clients?.Dispose();
            server.Release();
            throw;
        }
    }

    public void Dispose()
    {
        _clients.Dispose();
        _server.Release();
    }
}
