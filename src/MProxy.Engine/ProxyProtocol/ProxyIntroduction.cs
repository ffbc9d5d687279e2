using System.Net;
using System.Net.Sockets;
using MProxy.Protocol;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>Tells a local service who its client is.</summary>
internal static class ProxyIntroduction
{
    /// <summary>The header for a client. Where it came to is known by its port alone: the address is the local service's own.</summary>
    /// <param name="version">The version that the service expects.</param>
    /// <param name="client">Who it is, and the name that it is for.</param>
    /// <param name="service">The other end of the socket; one without an address stands for this machine.</param>
    public static byte[] Create(ProxyProtocolVersion version, in FrameMeta client, EndPoint? service)
    {
        var address = (service as IPEndPoint)?.Address ?? IPAddress.Loopback;
        var source = IPAddress.TryParse(client.Address, out var ip) && client.Port is { } port ? new IPEndPoint(ip, port) : null;
        return ProxyHeaderWriter.Write(version, source, new IPEndPoint(address, client.ServicePort ?? (service as IPEndPoint)?.Port ?? 0), client.Name);
    }

    /// <summary>Sends it, ahead of anything else.</summary>
    public static async Task SendAsync(Socket socket, ProxyProtocolVersion version, FrameMeta client, CancellationToken cancellationToken)
    {
        var header = Create(version, client, socket.RemoteEndPoint);
        for (var sent = 0; sent < header.Length;)
        {
            sent += await socket.SendAsync(header.AsMemory(sent), SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
    }
}
