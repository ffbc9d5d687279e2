using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>A TCP proxy on the way of a link: every byte takes a while, or everything is cut at once.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly Socket _listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _loops = new(new ResourceLedger());
    private readonly List<Socket> _sockets = [];
    private volatile TaskCompletionSource _parted = new();
    private readonly int _targetPort;
    private readonly TimeSpan _delay;

    /// <param name="targetPort">The relay's port on loopback.</param>
    /// <param name="delay">What each byte takes, one way.</param>
    public TcpProxy(int targetPort, TimeSpan delay = default)
    {
        _targetPort = targetPort;
        _delay = delay;
        _parted.SetResult();
        _loops.Run(() => TcpSocket.AcceptAllAsync(_listener, near => _loops.Run(() => RunAsync(near)), TimeProvider.System, _stopping.Token));
    }

    public CarrierUri Uri => CarrierUri.Parse($"tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");

    /// <summary>Takes everything in and lets nothing through, as a network that is parted. Nobody is told.</summary>
    public void Part() => _parted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets all through again, also what came meanwhile.</summary>
    public void Heal() => _parted.TrySetResult();

    /// <summary>Resets whatever goes through; new connections go through again.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                // Not Dispose alone: that would say goodbye in order.
                socket.Close(timeout: 0);
            }

            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        Cut();
        await _loops.WhenEmptyAsync();
    }

    private async Task RunAsync(Socket near)
    {
        Socket? far = null;
        try
        {
            await _parted.Task.WaitAsync(_stopping.Token);
            far = await TcpSocket.ConnectAsync("127.0.0.1", _targetPort, _stopping.Token);
            lock (_sockets)
            {
                _sockets.AddRange([near, far]);
            }

            await Task.WhenAll(PassAsync(near, far), PassAsync(far, near));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }

        lock (_sockets)
        {
            foreach (var socket in new[] { near, far }.OfType<Socket>())
            {
                _sockets.Remove(socket);
                socket.Dispose();
            }
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var line = Channel.CreateUnbounded<(byte[] Bytes, long At)>();
        var sending = SendAsync(line.Reader, to);
        try
        {
            var buffer = new byte[256 << 10];
            for (int count; (count = await from.ReceiveAsync(buffer, SocketFlags.None, _stopping.Token)) > 0;)
            {
                line.Writer.TryWrite((buffer[..count], TimeProvider.System.GetTimestamp()));
            }
        }
        finally
        {
            line.Writer.TryComplete();
            await sending;
        }
    }

    private async Task SendAsync(ChannelReader<(byte[] Bytes, long At)> line, Socket to)
    {
        await foreach (var (bytes, at) in line.ReadAllAsync(_stopping.Token))
        {
            var wait = _delay - TimeProvider.System.GetElapsedTime(at);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, TimeProvider.System, _stopping.Token);
            }

            await _parted.Task.WaitAsync(_stopping.Token);
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent), SocketFlags.None, _stopping.Token);
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
