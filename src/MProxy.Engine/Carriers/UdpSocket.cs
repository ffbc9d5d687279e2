using System.Net;
using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Makes UDP sockets the one way they are used here: room for bursts, never waiting to send, and no error for what another datagram met.</summary>
internal static class UdpSocket
{
    // As much as the system gives of it.
    private const int BufferLength = 4 << 20;

    /// <summary>A socket that clients send to.</summary>
    /// <exception cref="SocketException">The address or port cannot be had.</exception>
    public static Socket Listen(IPEndPoint endpoint) => Create(endpoint.AddressFamily, socket =>
    {
        if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = endpoint.Address.Equals(IPAddress.IPv6Any);
        }

        socket.ReceiveBufferSize = BufferLength;
        socket.SendBufferSize = BufferLength;
        ListenFailure.Name($"{endpoint}/udp", () => socket.Bind(endpoint));
    });

    /// <summary>A socket that sends to one place and hears from there alone.</summary>
    /// <exception cref="SocketException">There is no way there.</exception>
    public static async Task<Socket> ConnectAsync(IPAddress? source, string host, int port, CancellationToken cancellationToken)
    {
        var found = await HostName.FindAsync(host, cancellationToken).ConfigureAwait(false);

        // Nobody accepts a datagram: where a name has both, it is more often IPv4 that a local service is at.
        var address = found.Where(address => source is null || address.AddressFamily == source.AddressFamily)
            .OrderBy(address => address.AddressFamily).FirstOrDefault()
            ?? throw new SocketException((int)SocketError.AddressFamilyNotSupported);
        return Create(address.AddressFamily, socket =>
        {
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            socket.Connect(new IPEndPoint(address, port));
        });
    }

    private static Socket Create(AddressFamily family, Action<Socket> prepare)
    {
        var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            if (OperatingSystem.IsWindows())
            {
                // Otherwise the next receive fails where an earlier datagram met a closed port.
                const int SioUdpConnReset = -1744830452;
                const int SioUdpNetReset = -1744830449;
                socket.IOControl(SioUdpConnReset, [0, 0, 0, 0], null);
                socket.IOControl(SioUdpNetReset, [0, 0, 0, 0], null);
            }

            prepare(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
