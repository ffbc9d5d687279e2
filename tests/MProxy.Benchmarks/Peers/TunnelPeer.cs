using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MProxy.Benchmarks.Load;

namespace MProxy.Benchmarks.Peers;

/// <summary>Something that carries clients from one port to another.</summary>
/// <param name="name">As the report calls it.</param>
/// <param name="kind">How it is set up.</param>
internal abstract class TunnelPeer(string name, PeerKind kind)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public string Name => name;

    public PeerKind Kind => kind;

    /// <summary>Why it cannot be measured here; null where it can.</summary>
    public virtual string? WhyMissing() => null;

    /// <summary>Starts it in front of a service, and waits until a client gets through.</summary>
    /// <exception cref="IOException">It did not start.</exception>
    public RunningTunnel Start(IPEndPoint service)
    {
        var tunnel = StartTunnel(service);
        try
        {
            WaitUntilItWorks(tunnel);
            return tunnel;
        }
        catch
        {
            tunnel.Dispose();
            throw;
        }
    }

    protected abstract RunningTunnel StartTunnel(IPEndPoint service);

    /// <summary>Ends what was started where the rest could not be.</summary>
    protected static RunningTunnel Together(IPEndPoint entrance, params Func<IDisposable?>[] starts)
    {
        List<IDisposable> owned = [];
        try
        {
            foreach (var start in starts)
            {
                if (start() is { } one)
                {
                    owned.Add(one);
                }
            }

            return new RunningTunnel(entrance, [.. owned]);
        }
        catch
        {
            owned.Reverse();
            owned.ForEach(one => one.Dispose());
            throw;
        }
    }

    private void WaitUntilItWorks(RunningTunnel tunnel)
    {
        Exception? last = null;
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience; Thread.Sleep(50))
        {
            try
            {
                using var client = LoadSocket.Connect(tunnel.Entrance, LoadCommand.Answer);
                LoadSocket.ReceiveExactly(client, stackalloc byte[1]);
                return;
            }
            catch (Exception error) when (error is SocketException or IOException)
            {
                last = error;
            }
        }

        throw new IOException($"{Name} lets no client through: {last?.Message}", last);
    }
}
