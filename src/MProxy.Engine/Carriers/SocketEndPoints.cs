using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>The ends of a socket, for people: an IPv4 address of a dual-stack socket is IPv4.</summary>
internal static class SocketEndPoints
{
    /// <summary>Null where the socket is gone already.</summary>
    public static EndPoint? Local(Socket socket) => Read(socket, static socket => socket.LocalEndPoint);

    /// <inheritdoc cref="Local"/>
    public static EndPoint? Remote(Socket socket) => Read(socket, static socket => socket.RemoteEndPoint);

    private static EndPoint? Read(Socket socket, Func<Socket, EndPoint?> end)
    {
        try
        {
            return end(socket) is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
                ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
                : end(socket);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
