using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Tests.Faults;

/// <summary>
/// A UDP proxy that drops, duplicates, delays and so reorders datagrams, both ways, as chance says. One seed says all but how the threads run. Each who sends has
/// a socket of its own behind it, as behind a router.
/// </summary>
internal sealed class DatagramFaultProxy : IAsyncDisposable
{
    private const int BufferLength = 4 << 20;
    private const int MaxDelayMilliseconds = 30;

    private readonly Socket _near;
    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<IPEndPoint, Socket> _far = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _loops = new(new ResourceLedger());
    private readonly Random _random;
    private volatile int _percent;
    private int _dropped;
    private int _duplicated;
    private int _delayed;

    /// <param name="target">Where it leads.</param>
    /// <param name="seed">What chance says.</param>
    /// <param name="percent">How many of a hundred datagrams are dropped, and as many duplicated, and as many delayed.</param>
    /// <param name="port">Its own port; any unless given.</param>
    public DatagramFaultProxy(IPEndPoint target, int seed, int percent, int port = 0)
    {
        _target = target;
        _random = new Random(seed);
        _percent = percent;
        _near = NewSocket(port);
        _loops.Run(NearAsync);
    }

    public IPEndPoint EndPoint => (IPEndPoint)_near.LocalEndPoint!;

    /// <summary>What it has done so far.</summary>
    public (int Dropped, int Duplicated, int Delayed) Done => (Volatile.Read(ref _dropped), Volatile.Read(ref _duplicated), Volatile.Read(ref _delayed));

    /// <summary>From now on each goes on once, and at once.</summary>
    public void Heal() => _percent = 0;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loops.WhenEmptyAsync();
        _near.Dispose();
        foreach (var far in _far.Values)
        {
            far.Dispose();
        }
    }

    private static Socket NewSocket(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = BufferLength, SendBufferSize = BufferLength };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private Task NearAsync() => ReceiveAllAsync(_near, (datagram, from) =>
    {
        if (!_far.TryGetValue(from, out var far))
        {
            _far[from] = far = NewSocket(0);
            _loops.Run(() => ReceiveAllAsync(far, (answer, source) =>
            {
                Assert.Equal(_target, source);
                Pass(_near, answer, from);
            }));
        }

        Pass(far, datagram, _target);
    });

    private async Task ReceiveAllAsync(Socket socket, Action<byte[], IPEndPoint> take)
    {
        var buffer = new byte[64 << 10];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, _target, _stopping.Token);
                take(buffer.AsSpan(0, got.ReceivedBytes).ToArray(), (IPEndPoint)got.RemoteEndPoint);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                // An earlier datagram met a closed port, or the test is over.
            }
        }
    }

    private void Pass(Socket socket, byte[] datagram, IPEndPoint target)
    {
        foreach (var delay in Plan())
        {
            if (delay == 0)
            {
                Send(socket, datagram, target);
            }
            else
            {
                _loops.Run(() => SendLateAsync(socket, datagram, target, delay));
            }
        }
    }

    /// <summary>How late it goes on, each time that it does.</summary>
    private int[] Plan()
    {
        lock (_random)
        {
            var chance = _random.Next(100) / Math.Max(_percent, 1);
            switch (_percent == 0 ? -1 : chance)
            {
                case 0:
                    _dropped++;
                    return [];
                case 1:
                    _duplicated++;
                    return [0, _random.Next(MaxDelayMilliseconds)];
                case 2:
                    _delayed++;
                    return [1 + _random.Next(MaxDelayMilliseconds)];
                default:
                    return [0];
            }
        }
    }

    private async Task SendLateAsync(Socket socket, byte[] datagram, IPEndPoint target, int delay)
    {
        // Whoever is behind comes before it: that is what reorders.
        await Task.Delay(TimeSpan.FromMilliseconds(delay), TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopping.IsCancellationRequested)
        {
            Send(socket, datagram, target);
        }
    }

    private static void Send(Socket socket, byte[] datagram, IPEndPoint target)
    {
        try
        {
            socket.SendTo(datagram, SocketFlags.None, target);
        }
        catch (SocketException)
        {
            // Lost, as datagrams may be.
        }
    }
}
