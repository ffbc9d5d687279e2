using System.Collections.Concurrent;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Trials.Clients;

/// <summary>Tells an end in order from a reset that a send has been told of before.</summary>
internal static class KnownEnd
{
    /// <summary>Ends one way of a connection in order.</summary>
    public static void Say(Socket socket, ConcurrentDictionary<Socket, bool> ended)
    {
        ended[socket] = true;
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>A socket has nothing more to read.</summary>
    /// <exception cref="SocketException">It was reset.</exception>
    public static void ThrowIfReset(Socket socket, ConcurrentDictionary<Socket, bool> ended)
    {
        if (!ended.ContainsKey(socket) && TcpSocket.WasReset(socket) && !ended.ContainsKey(socket))
        {
            throw new SocketException((int)SocketError.ConnectionReset);
        }
    }
}
