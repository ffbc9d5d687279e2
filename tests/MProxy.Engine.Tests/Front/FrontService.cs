using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Front;

/// <summary>A local service on a port of its own, or on one that it had before. A failed assertion in it comes out at its end.</summary>
internal sealed class FrontService : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly TaskSet _clients = new(new ResourceLedger());
    private readonly CancellationTokenSource _stopping = new();
    private int _clientCount;

    public FrontService(Func<Socket, Task> serve, int port = 0)
    {
        _listener = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, port));
        _clients.Run(() => TcpSocket.AcceptAllAsync(_listener, client => _clients.Run(() => ServeAsync(client, serve)), TimeProvider.System, _stopping.Token));
    }

    public string Target => $"{_listener.LocalEndPoint}";

    /// <summary>How many clients have come since the start.</summary>
    public int ClientCount => Volatile.Read(ref _clientCount);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _clients.WhenEmptyAsync();
    }

    private async Task ServeAsync(Socket client, Func<Socket, Task> serve)
    {
        Interlocked.Increment(ref _clientCount);
        using (client)
        {
            try
            {
                await serve(client).WaitAsync(_stopping.Token);
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
            {
                // Cut off: what that means is for the test's own assertions.
            }
        }
    }
}
