using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Makes TCP sockets the one way they are used here: no Nagle delay, and listeners that come back at once after a restart.</summary>
internal static class TcpSocket
{
    // As long as Linux lets it be. Where it is full, the system lets clients believe that they are connected, and resets them later.
    private const int Backlog = 4096;

    public static Socket Listen(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = endpoint.Address.Equals(IPAddress.IPv6Any);
            }

            ListenFailure.Name(endpoint, () =>
            {
                socket.Bind(endpoint);
                socket.Listen(Backlog);
            });
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to a host, by the addresses it has in their order.</summary>
    /// <exception cref="SocketException">The last that was tried.</exception>
    public static Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellationToken) => ConnectFromAsync(null, host, port, cancellationToken);

    /// <summary>Connects from an address of this machine, or from any, to a host that has addresses of its family.</summary>
    /// <exception cref="SocketException">The last that was tried; AddressFamilyNotSupported where the host has no address of the family.</exception>
    public static async Task<Socket> ConnectFromAsync(IPAddress? source, string host, int port, CancellationToken cancellationToken)
    {
        SocketException? failure = null;
        var found = await HostName.FindAsync(host, cancellationToken).ConfigureAwait(false);
        foreach (var address in found.Where(address => source is null || address.AddressFamily == source.AddressFamily))
        {
            // One socket for each: after a failed try, .NET would go on with one that is not bound.
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                if (source is not null)
                {
                    socket.Bind(new IPEndPoint(source, 0));
                }

                await ConnectAsync(socket, new IPEndPoint(address, port), cancellationToken).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException error)
            {
                failure = error;
                socket.Dispose();
            }
            catch
            {
                GiveUp(socket);
                throw;
            }
        }

        throw failure ?? new SocketException((int)SocketError.AddressFamilyNotSupported);
    }

    /// <summary>
    /// Connects with arguments that go with the call. A socket would keep its own for as long as it lives, which is most of what a silent connection
    /// takes.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was given up, and the socket is closed.</exception>
    private static async Task ConnectAsync(Socket socket, IPEndPoint remote, CancellationToken cancellationToken)
    {
        var connected = new TaskCompletionSource();
        using var arguments = new SocketAsyncEventArgs { RemoteEndPoint = remote };
        arguments.Completed += (_, _) => connected.TrySetResult();
        if (socket.ConnectAsync(arguments))
        {
            var registration = cancellationToken.UnsafeRegister(static socket => GiveUp((Socket)socket!), socket);
            await using (registration.ConfigureAwait(false))
            {
                await connected.Task.ConfigureAwait(false);
            }
        }

        // First of all: given up at the last moment, it is connected and closed.
        cancellationToken.ThrowIfCancellationRequested();
        if (arguments.SocketError != SocketError.Success)
        {
            throw new SocketException((int)arguments.SocketError);
        }
    }

    private static void GiveUp(Socket socket)
    {
        // The other side may have accepted already: it must not take this for a client that had nothing to say.
        ResetOnClose(socket);
        socket.Dispose();
    }

    /// <summary>Makes the coming close a reset. Of a socket that is closed already, that is no matter.</summary>
    public static void ResetOnClose(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    /// <summary>Ends both ways of a socket that others use, as if its peer were gone. Of one that is closed already, that is no matter.</summary>
    public static void TryShutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    /// <summary>
    /// Whether a socket that has nothing more to read was reset. The system says so once, to whichever of a send and a receive comes first, and to the other
    /// a reset then looks like an end in order. Not to be asked when this side has said its end.
    /// </summary>
    public static bool WasReset(Socket socket)
    {
        socket.Send(ReadOnlySpan<byte>.Empty, SocketFlags.None, out var error);
        return error is not (SocketError.Success or SocketError.WouldBlock);
    }

    /// <summary>How much of what is not on its way the system's send buffer may keep, in bytes. Where the system cannot be told, or the socket is closed, nothing changes.</summary>
    public static void TryKeepUnsent(Socket socket, int length)
    {
        const int TcpLevel = 6;
        const int NotSentLowWaterLinux = 25;
        const int NotSentLowWaterMac = 0x201;
        var option = OperatingSystem.IsLinux() ? NotSentLowWaterLinux : OperatingSystem.IsMacOS() ? NotSentLowWaterMac : 0;
        if (option == 0)
        {
            return;
        }

        try
        {
            socket.SetRawSocketOption(TcpLevel, option, BitConverter.GetBytes(length));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    /// <summary>Hands every client to <paramref name="accepted"/> until cancelled. A client that is gone before it was accepted ends nothing; where descriptors are short, clients wait in the system's queue.</summary>
    public static async Task AcceptAllAsync(Socket listener, Action<Socket> accepted, TimeProvider time, CancellationToken cancellationToken)
    {
        var turn = new LoopTurn();
        var isShort = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            Socket? socket;
            try
            {
                socket = isShort && Descriptors.AreShort ? null : await turn.Watch(TryAcceptAsync(listener, cancellationToken)).ConfigureAwait(false);
                if (socket is null)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken).ConfigureAwait(false);
                    continue;
                }
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // Cancelled, or the listener was closed.
                return;
            }

            isShort = Descriptors.IsReserved(socket);
            accepted(socket);
            await turn.Moved();
        }
    }

    private static async ValueTask<Socket?> TryAcceptAsync(Socket listener, CancellationToken cancellationToken)
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
