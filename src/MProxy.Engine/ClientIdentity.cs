using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Protocol;

namespace MProxy.Engine;

/// <summary>How a socket's remote end is written on the wire.</summary>
public static class ClientIdentity
{
    /// <summary>Family, address and port. An IPv4 client of a dual-stack socket is IPv4, and a scope id stays behind: it means nothing elsewhere.</summary>
    public static FrameMeta ToMeta(IPEndPoint endpoint)
    {
        var address = SocketEndPoints.Unmapped(endpoint.Address);
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && address.ScopeId != 0)
        {
            address = new IPAddress(address.GetAddressBytes());
        }

        return new FrameMeta
        {
            Family = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4",
            Address = address.ToString(),
            Port = endpoint.Port,
        };
    }

    /// <summary>The identity as text: <c>IPv4,127.0.0.1,4321</c>.</summary>
    public static string ToSocketId(IPEndPoint endpoint) => ToSocketId(ToMeta(endpoint));

    /// <summary>The same of a client whose frames are known.</summary>
    internal static string ToSocketId(in FrameMeta client) => $"{client.Family},{client.Address},{client.Port}";
}
