using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>The ports that clients come in on: some open as long as the relay is, others as long as a device with a grant for them is there.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and late work may still look at it: it is left to the collector.")]
internal sealed class ClientPorts(RelayOptions options, Action<Socket, ClientPortKind> accepted, DatagramRouter datagrams, ResourceLedger ledger, TimeProvider time)
{
    private const int MaxPairTries = 16;

    private readonly TaskSet _loops = new(ledger);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<(bool IsUdp, int Port), (Socket Listener, int Holders)> _open = [];
    private readonly HashSet<(bool IsUdp, int Port)> _chosen = [];
    private bool _isClosed;

    /// <summary>What other relays of a fleet hold and give away; null where there are none.</summary>
    public FleetPorts? Fleet { get; set; }

    /// <summary>The ports that this relay has chosen for a device which left the choice to it, as long as they are open.</summary>
    public IReadOnlyList<(bool IsUdp, int Port)> Chosen
    {
        get
        {
            lock (_open)
            {
                return [.. _chosen];
            }
        }
    }

    /// <summary>The ports of TCP that are open.</summary>
    public int[] Open => OpenOf(isUdp: false);

    /// <summary>The ports of UDP that are open.</summary>
    public int[] OpenUdp => OpenOf(isUdp: true);

    /// <summary>Opens a port of the relay's own; one of DNS for TCP and UDP alike.</summary>
    /// <returns>The port that is really open.</returns>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public int OpenOwn(int port, ClientPortKind kind)
    {
        lock (_open)
        {
            return kind switch
            {
                ClientPortKind.Udp => BindUdp(port, kind),
                ClientPortKind.Dns => BindPair(port),
                _ => Bind(port, kind),
            };
        }
    }

    /// <summary>Opens a port for a grant, or adds to those who hold it. 0 takes the first free one that grants may have.</summary>
    /// <returns>The port, or null with the reason.</returns>
    public int? TryAcquire(int port, bool isUdp, out string? refusal)
    {
        var granted = isUdp ? options.GrantedUdpPort : options.GrantedPort;
        lock (_open)
        {
            refusal = null;
            if (_isClosed)
            {
                refusal = "the relay is stopping";
                return null;
            }

            if (_open.TryGetValue((isUdp, port), out var entry))
            {
                _open[(isUdp, port)] = entry with { Holders = entry.Holders + 1 };
                return port;
            }

            if (port != 0 && !granted.Contains(port) && Fleet?.IsGivenElsewhere(port, isUdp) == true)
            {
                // Open there, for clients of this relay's device.
                return port;
            }

            var free = granted.Where(one => !_open.ContainsKey((isUdp, one)));
            foreach (var candidate in port == 0 ? Fleet?.Choose(isUdp, free) ?? free : granted.Contains(port) ? [port] : [])
            {
                try
                {
                    var opened = isUdp ? BindUdp(candidate, ClientPortKind.Udp) : Bind(candidate, ClientPortKind.Tcp);
                    if (port == 0)
                    {
                        _chosen.Add((isUdp, opened));
                    }

                    return opened;
                }
                catch (SocketException error)
                {
                    refusal = $"port {candidate} cannot be opened at the relay: {ListenFailure.Reason(error)}";
                }
            }

            refusal ??= port == 0 ? "no port is free at the relay" : $"port {port} is not one that the relay gives away";
            return null;
        }
    }

    /// <summary>One holder less; the last closes the port, but for the relay's own.</summary>
    public void Release(int port, bool isUdp)
    {
        lock (_open)
        {
            if (!_open.TryGetValue((isUdp, port), out var entry))
            {
                return;
            }

            if (entry.Holders > 1)
            {
                _open[(isUdp, port)] = entry with { Holders = entry.Holders - 1 };
                return;
            }

            _open.Remove((isUdp, port));
            _chosen.Remove((isUdp, port));
            ledger.Close(entry.Listener);
        }
    }

    /// <summary>No new clients. Those of datagrams, who have no connection of their own, are heard until <see cref="StopAsync"/>.</summary>
    public void Close()
    {
        datagrams.Close();
        CloseAll(isUdp: false);
    }

    /// <summary>Closes what is still open.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        CloseAll(isUdp: true);
        await _loops.WhenEmptyAsync().ConfigureAwait(false);
    }

    private void CloseAll(bool isUdp)
    {
        lock (_open)
        {
            _isClosed = true;
            foreach (var (key, (listener, _)) in _open.Where(entry => entry.Key.IsUdp == isUdp).ToList())
            {
                ledger.Close(listener);
                _open.Remove(key);
            }
        }
    }

    private int[] OpenOf(bool isUdp)
    {
        lock (_open)
        {
            return [.. _open.Keys.Where(key => key.IsUdp == isUdp).Select(key => key.Port).Order()];
        }
    }

    private int Bind(int port, ClientPortKind kind)
    {
        var listener = ledger.Add(TcpSocket.Listen(new IPEndPoint(options.PublicAddress, port)));
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _open[(false, port)] = (listener, 1);
        _loops.Run(() => TcpSocket.AcceptAllAsync(listener, socket => accepted(socket, kind), time, _stopping.Token));
        return port;
    }

    private int BindUdp(int port, ClientPortKind kind)
    {
        var socket = ledger.Add(UdpSocket.Listen(new IPEndPoint(options.PublicAddress, port)));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _open[(true, port)] = (socket, 1);
        var reception = new DatagramReception(socket, kind == ClientPortKind.Dns, datagrams, _loops, ledger);
        _loops.Run(() => reception.RunAsync(_stopping.Token));
        return port;
    }

    /// <summary>One number for both. Where the system chooses, its choice for one may be taken for the other: it chooses again.</summary>
    private int BindPair(int port)
    {
        for (var tries = 1; ; tries++)
        {
            var chosen = BindUdp(port, ClientPortKind.Dns);
            try
            {
                return Bind(chosen, ClientPortKind.Dns);
            }
            catch (SocketException) when (port == 0 && tries < MaxPairTries)
            {
                _open.Remove((true, chosen), out var entry);
                ledger.Close(entry.Listener);
            }
        }
    }
}
