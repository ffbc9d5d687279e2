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

    /// <summary>An IPv4 address that came as an IPv6 one is IPv4; any other is as it is.</summary>
    public static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static EndPoint? Read(Socket socket, Func<Socket, EndPoint?> end)
    {
        try
        {
            return end(socket) switch
            {
                IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped => new IPEndPoint(Unmapped(mapped.Address), mapped.Port),
                var other => other,
            };
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
