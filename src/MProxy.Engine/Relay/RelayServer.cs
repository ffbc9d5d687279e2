using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Relay;

/// <summary>The service in the middle: devices come in on one side, clients on the other, and each client goes to a device.</summary>
public sealed class RelayServer : IAsyncDisposable
{
    private readonly RelayOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ResourceLedger _ledger = new();
    private readonly TaskSet _tasks;
    private readonly List<Socket> _listeners = [];
    private readonly List<LinkConnection> _links = [];
    private int _nextLink;
    private long _endedBytesIn;
    private long _endedBytesOut;
    private Task? _stopped;

    private RelayServer(RelayOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _tasks = new TaskSet(_ledger);
    }

    /// <summary>Its name in this session.</summary>
    public string Name => _options.Name;

    /// <summary>Running or Stopped.</summary>
    public string State => _stopping.IsCancellationRequested ? "Stopped" : "Running";

    /// <summary>Where devices come in, with the ports that are really open.</summary>
    public IReadOnlyList<CarrierUri> Listen { get; private set; } = [];

    /// <summary>The client ports that are really open.</summary>
    public IReadOnlyList<int> TcpPort { get; private set; } = [];

    /// <summary>How many devices are connected.</summary>
    public int LinkCount => Links.Count(link => link.Up.IsCompletedSuccessfully);

    /// <summary>How many clients are on all links.</summary>
    public int ClientCount => Links.Sum(link => link.ClientCount);

    /// <summary>Bytes received from devices since the start.</summary>
    public long BytesIn => Interlocked.Read(ref _endedBytesIn) + Links.Sum(link => link.BytesIn);

    /// <summary>Bytes sent to devices since the start.</summary>
    public long BytesOut => Interlocked.Read(ref _endedBytesOut) + Links.Sum(link => link.BytesOut);

    private LinkConnection[] Links
    {
        get
        {
            lock (_links)
            {
                return [.. _links];
            }
        }
    }

    /// <summary>Opens every listener, or none.</summary>
    /// <exception cref="InvalidOperationException">A relay without a secret would accept links from beyond this machine.</exception>
    /// <exception cref="SocketException">An address or port cannot be had.</exception>
    public static RelayServer Start(RelayOptions options, TimeProvider? time = null)
    {
        foreach (var uri in options.Listen)
        {
            if (!uri.IsLocalOnly)
            {
                throw new InvalidOperationException(
                    $"A relay without a secret accepts links on loopback only, and {uri} is open to others: listen on tcp://127.0.0.1:{uri.Port}.");
            }
        }

        var relay = new RelayServer(options, time ?? TimeProvider.System);
        try
        {
            relay.Open();
            return relay;
        }
        catch
        {
            relay.CloseListeners();
            throw;
        }
    }

    /// <summary>Closes every listener, link and client; done when all have ended.</summary>
    public Task StopAsync()
    {
        lock (_links)
        {
            return _stopped ??= StopCoreAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void Open()
    {
        // All are bound before any is served: a relay is open whole, or not at all.
        Listen = _options.Listen.Select(uri => uri with { Port = Bind((IPEndPoint)uri.ToEndPoint()) }).ToArray();
        TcpPort = _options.TcpPort.Select(port => Bind(new IPEndPoint(_options.PublicAddress, port))).ToArray();
        for (var i = 0; i < _listeners.Count; i++)
        {
            var listener = _listeners[i];
            Action<Socket> accepted = i < Listen.Count ? AcceptLink : AcceptClient;
            _tasks.Run(() => TcpSocket.AcceptAllAsync(listener, accepted, _time, _stopping.Token));
        }
    }

    private int Bind(IPEndPoint endpoint)
    {
        var listener = TcpSocket.Listen(endpoint);
        _listeners.Add(listener);
        return ((IPEndPoint)listener.LocalEndPoint!).Port;
    }

    private void AcceptLink(Socket socket) => _tasks.Run(() => RunLinkAsync(socket));

    private async Task RunLinkAsync(Socket socket)
    {
        var link = new LinkConnection(LinkRole.Relay, new NetworkStream(socket, ownsSocket: true), _options.Link, static (_, _) => { }, _time);
        await using (link.ConfigureAwait(false))
        {
            lock (_links)
            {
                _links.Add(link);
            }

            try
            {
                await link.RunAsync(_stopping.Token).ConfigureAwait(false);
            }
            finally
            {
                lock (_links)
                {
                    _links.Remove(link);
                    Interlocked.Add(ref _endedBytesIn, link.BytesIn);
                    Interlocked.Add(ref _endedBytesOut, link.BytesOut);
                }
            }
        }
    }

    private void AcceptClient(Socket socket)
    {
        bool routed;
        try
        {
            routed = TryRoute(socket);
        }
        catch (SocketException)
        {
            // Gone before it could be asked who it is.
            routed = false;
        }

        if (!routed)
        {
            // A reset at once: nobody waits for an answer that will not come.
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Dispose();
        }
    }

    private bool TryRoute(Socket socket)
    {
        if (socket is not { RemoteEndPoint: IPEndPoint remote, LocalEndPoint: IPEndPoint local })
        {
            return false;
        }

        var links = Links;
        var meta = ClientIdentity.ToMeta(remote) with { Service = "tcp", ServicePort = local.Port };
        for (var tried = 0; tried < links.Length; tried++)
        {
            var next = (uint)Interlocked.Increment(ref _nextLink) % (uint)links.Length;
            if (links[next].TryOpen(meta, socket))
            {
                return true;
            }
        }

        return false;
    }

    private async Task StopCoreAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        CloseListeners();
        await _tasks.WhenEmptyAsync().ConfigureAwait(false);
    }

    private void CloseListeners()
    {
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }
    }
}
