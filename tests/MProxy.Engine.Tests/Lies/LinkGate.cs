using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Lies;

/// <summary>A way that can be closed, so that it takes nothing from either side, and opened again.</summary>
internal sealed class LinkGate : IAsyncDisposable
{
    private readonly Socket _listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskSet _loops = new(new ResourceLedger());
    private readonly int _targetPort;
    private volatile TaskCompletionSource _open = new();

    public LinkGate(int targetPort)
    {
        _targetPort = targetPort;
        Open();
        _loops.Run(() => TcpSocket.AcceptAllAsync(_listener, near => _loops.Run(() => RunAsync(near)), TimeProvider.System, _stopping.Token));
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Open() => _open.TrySetResult();

    public void Close() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _loops.WhenEmptyAsync();
    }

    private async Task RunAsync(Socket near)
    {
        using (near)
        {
            using var far = await TcpSocket.ConnectAsync("127.0.0.1", _targetPort, _stopping.Token);
            await Task.WhenAny(PassAsync(near, far), PassAsync(far, near));
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 << 10];
        try
        {
            for (int count; (count = await from.ReceiveAsync(buffer, SocketFlags.None, _stopping.Token)) > 0;)
            {
                await _open.Task.WaitAsync(_stopping.Token);
                await LocalService.SendAllAsync(to, buffer.AsMemory(0, count), count);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One way is gone, and so is the other.
        }
    }
}
