using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Faults;

/// <summary>A TCP proxy that passes bytes on in pieces and late, and does to each connection what chance says, at a byte that chance says. One seed says all.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly Socket _listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _loops = new(new ResourceLedger());
    private readonly int _targetPort;
    private readonly Random _random;
    private readonly int _within;
    private volatile Fault[] _faults;
    private int _faultCount;

    /// <param name="targetPort">Where it leads, on loopback.</param>
    /// <param name="seed">What chance says.</param>
    /// <param name="within">The fault comes within so many bytes of a connection.</param>
    /// <param name="faults">Those that there may be, each as likely.</param>
    public FaultProxy(int targetPort, int seed, int within, params Fault[] faults)
    {
        _targetPort = targetPort;
        _random = new Random(seed);
        _within = within;
        _faults = faults;
        _loops.Run(() => TcpSocket.AcceptAllAsync(_listener, near => _loops.Run(() => RunAsync(near)), TimeProvider.System, _stopping.Token));
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>How many connections it has done something to.</summary>
    public int FaultCount => Volatile.Read(ref _faultCount);

    /// <summary>From the next connection on it leaves them alone.</summary>
    public void Heal() => _faults = [Fault.None];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _loops.WhenEmptyAsync();
    }

    private async Task RunAsync(Socket near)
    {
        // What is under way is cancelled before a socket is closed: closed under it, a socket would say goodbye in order first.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Socket? far = null;
        try
        {
            far = await TcpSocket.ConnectAsync("127.0.0.1", _targetPort, ending.Token);
            var ended = new ConcurrentDictionary<Socket, bool>();
            await Task.WhenAll(PassAsync(near, far, Plan(), ended, ending), PassAsync(far, near, Plan(), ended, ending));
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            await ending.CancelAsync();
        }

        foreach (var socket in new[] { near, far }.OfType<Socket>())
        {
            if (ending.IsCancellationRequested)
            {
                TcpSocket.ResetOnClose(socket);
            }

            socket.Dispose();
        }
    }

    private (Fault Fault, long At, Random Random) Plan()
    {
        lock (_random)
        {
            var faults = _faults;
            return (faults[_random.Next(faults.Length)], _random.Next(_within), new Random(_random.Next()));
        }
    }

    private async Task PassAsync(Socket from, Socket to, (Fault Fault, long At, Random Random) plan, ConcurrentDictionary<Socket, bool> ended, CancellationTokenSource ending)
    {
        var (fault, at, random) = plan;
        var buffer = new byte[64 << 10];
        try
        {
            for (long passed = 0; ;)
            {
                var count = await from.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)), SocketFlags.None, ending.Token);
                if (count == 0)
                {
                    KnownEnd.ThrowIfReset(from, ended);
                    KnownEnd.Say(to, ended);
                    return;
                }

                var isHit = fault != Fault.None && passed + count > at;
                if (isHit)
                {
                    Interlocked.Increment(ref _faultCount);
                }

                if (isHit && fault == Fault.Corrupt)
                {
                    buffer[at - passed] ^= 1;
                    (isHit, fault) = (false, Fault.None);
                }

                await SendAsync(to, buffer.AsMemory(0, isHit ? (int)(at - passed) : count), random, ending.Token);
                passed += count;
                if (isHit)
                {
                    if (fault == Fault.Truncate)
                    {
                        KnownEnd.Say(to, ended);
                        from.Shutdown(SocketShutdown.Receive);
                    }
                    else
                    {
                        await ending.CancelAsync();
                    }

                    return;
                }
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // One way is gone, and so is the other.
            await ending.CancelAsync();
        }
    }

    private static async Task SendAsync(Socket to, Memory<byte> bytes, Random random, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            if (random.Next(20) == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(3)), TimeProvider.System, cancellationToken);
            }

            var piece = random.Next(3) == 0 ? Math.Min(bytes.Length, random.Next(1, 50)) : bytes.Length;
            bytes = bytes[await to.SendAsync(bytes[..piece], SocketFlags.None, cancellationToken)..];
        }
    }
}
