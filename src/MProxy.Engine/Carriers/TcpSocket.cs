using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Makes TCP sockets the one way they are used here: no Nagle delay, and listeners that come back at once after a restart.</summary>
internal static class TcpSocket
{
    private const int Backlog = 1024;

    public static Socket Listen(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = endpoint.Address.Equals(IPAddress.IPv6Any);
            }

            socket.Bind(endpoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Hands every client to <paramref name="accepted"/> until cancelled. A client that is gone before it was accepted, or a moment without descriptors, ends nothing.</summary>
    public static async Task AcceptAllAsync(Socket listener, Action<Socket> accepted, TimeProvider time, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (await TryAcceptAsync(listener, cancellationToken).ConfigureAwait(false) is { } socket)
                {
                    accepted(socket);
                }
                else
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException)
            {
                // The listener was closed.
                return;
            }
        }
    }

    private static async Task<Socket?> TryAcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);

            // Unix sockets know no delay.
            if (socket.AddressFamily != AddressFamily.Unix)
            {
                socket.NoDelay = true;
            }

            return socket;
        }
        catch (SocketException error) when (error.SocketErrorCode != SocketError.OperationAborted)
        {
            socket?.Dispose();
            return null;
        }
    }
}
