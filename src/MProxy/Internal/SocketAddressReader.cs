using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine;

namespace MProxy.Internal;

/// <summary>Finds the remote end of whatever a script has: a frame, a socket, an endpoint, text, or any object with the right properties.</summary>
internal static class SocketAddressReader
{
    public static SocketAddress? Read(object? value) => PSValue.Unwrap(value) switch
    {
        Frame { Kind: not FrameKind.Control } frame => new SocketAddress(frame.Family, frame.Address, frame.Port, frame.ServicePort),
        Frame => null,
        SocketAddress address => address,
        TcpClient client => FromSocket(client.Client),
        Socket socket => FromSocket(socket),
        IPEndPoint endpoint => FromEndPoint(endpoint, null),
        string text => FromText(text),
        { } other => FromProperties(other),
        null => null,
    };

    private static SocketAddress? FromSocket(Socket? socket) =>
        socket?.RemoteEndPoint is IPEndPoint remote ? FromEndPoint(remote, (socket.LocalEndPoint as IPEndPoint)?.Port) : null;

    private static SocketAddress FromEndPoint(IPEndPoint endpoint, int? servicePort)
    {
        var meta = ClientIdentity.ToMeta(endpoint);
        return new SocketAddress(meta.Family, meta.Address, meta.Port, servicePort);
    }

    // IPEndPoint.TryParse takes a bare address too, as port 0: only a text that names a port is one.
    private static SocketAddress? FromText(string text) =>
        IPEndPoint.TryParse(text, out var endpoint)
        && text.Contains(endpoint.AddressFamily == AddressFamily.InterNetworkV6 ? "]:" : ":", StringComparison.Ordinal)
            ? FromEndPoint(endpoint, null) : null;

    private static SocketAddress? FromProperties(object value)
    {
        if (Text(value, "Address") is { } address && Number(value, "Port") is { } port)
        {
            var family = Text(value, "Family") ?? (address.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4");
            return new SocketAddress(family, address, port, Number(value, "ServicePort"));
        }

        return IPAddress.TryParse(Text(value, "RemoteAddress"), out var remote) && Number(value, "RemotePort") is { } remotePort
            ? FromEndPoint(new IPEndPoint(remote, remotePort), Number(value, "LocalPort"))
            : null;
    }

    private static string? Text(object value, string name) => PSValue.Property(value, name)?.ToString();

    private static int? Number(object value, string name) =>
        LanguagePrimitives.TryConvertTo<int>(PSValue.Property(value, name), out var number)
        && PSValue.Property(value, name) is not null && number is >= 0 and <= ushort.MaxValue ? number : null;
}
