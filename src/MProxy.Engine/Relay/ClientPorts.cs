using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>The ports that clients come in on: some open as long as the relay is, others as long as a device with a grant for them is there.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class ClientPorts(RelayOptions options, Action<Socket, ClientPortKind> accepted, ResourceLedger ledger, TimeProvider time)
{
    private readonly TaskSet _loops = new(ledger);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<int, (Socket Listener, int Holders)> _open = [];

    /// <summary>The ports that are open.</summary>
    public int[] Open
    {
        get
        {
            lock (_open)
            {
                return [.. _open.Keys.Order()];
            }
        }
    }

    /// <summary>Opens a port of the relay's own.</summary>
    /// <returns>The port that is really open.</returns>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public int OpenOwn(int port, ClientPortKind kind)
    {
        lock (_open)
        {
            return Bind(port, kind);
        }
    }

    /// <summary>Opens a port for a grant, or adds to those who hold it. 0 takes the first free one that grants may have.</summary>
    /// <returns>The port, or null with the reason.</returns>
    public int? TryAcquire(int port, out string? refusal)
    {
        lock (_open)
        {
            refusal = null;
            if (_stopping.IsCancellationRequested)
            {
                refusal = "the relay is stopping";
                return null;
            }

            if (_open.TryGetValue(port, out var entry))
            {
                _open[port] = entry with { Holders = entry.Holders + 1 };
                return port;
            }

            foreach (var candidate in port == 0 ? options.GrantedPort.Where(free => !_open.ContainsKey(free)) : options.GrantedPort.Contains(port) ? [port] : [])
            {
                try
                {
                    return Bind(candidate, ClientPortKind.Tcp);
                }
                catch (SocketException error)
                {
                    refusal = $"port {candidate} cannot be opened at the relay: {error.Message}";
                }
            }

            refusal ??= port == 0 ? "no port is free at the relay" : $"port {port} is not one that the relay gives away";
            return null;
        }
    }

    /// <summary>One holder less; the last closes the port, but for the relay's own.</summary>
    public void Release(int port)
    {
        lock (_open)
        {
            if (!_open.TryGetValue(port, out var entry))
            {
                return;
            }

            if (entry.Holders > 1)
            {
                _open[port] = entry with { Holders = entry.Holders - 1 };
                return;
            }

            _open.Remove(port);
            ledger.Close(entry.Listener);
        }
    }

    /// <summary>No new clients.</summary>
    public async Task CloseAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        lock (_open)
        {
            foreach (var (listener, _) in _open.Values)
            {
                ledger.Close(listener);
            }

            _open.Clear();
        }

        await _loops.WhenEmptyAsync().ConfigureAwait(false);
    }

    private int Bind(int port, ClientPortKind kind)
    {
        _stopping.Token.ThrowIfCancellationRequested();
        var listener = ledger.Add(TcpSocket.Listen(new IPEndPoint(options.PublicAddress, port)));
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _open[port] = (listener, 1);
        _loops.Run(() => TcpSocket.AcceptAllAsync(listener, socket => accepted(socket, kind), time, _stopping.Token));
        return port;
    }
}
