using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Device;

/// <summary>Connects to local services: the one place where a target becomes a socket.</summary>
internal sealed class LocalConnector(IPAddress? sourceAddress, TimeProvider time)
{
    private static readonly TimeSpan QueueDelay = TimeSpan.FromMilliseconds(10);

    private readonly IPAddress? _source = sourceAddress is null ? null : SocketEndPoints.Unmapped(sourceAddress);

    /// <summary>Refuses a source address that could serve no client, or none of some service.</summary>
    /// <exception cref="ArgumentException">Says why.</exception>
    public static void Check(ServiceMap services, IPAddress? sourceAddress)
    {
        if (sourceAddress is null)
        {
            return;
        }

        var source = SocketEndPoints.Unmapped(sourceAddress);
        Refuse(services.Targets.All(target => target.SocketPath is not null || target.Handler is not null), "is for services with a host and a port, and there are none");
        foreach (var target in services.Targets)
        {
            Refuse(
                IPAddress.TryParse(target.Host, out var address) && SocketEndPoints.Unmapped(address).AddressFamily != source.AddressFamily,
                $"is {source}, and {target} is of the other family: one is IPv4, the other IPv6");
        }

        Refuse(!IsOwn(source), $"is {source}, which is no address of this machine");
    }

    /// <exception cref="SocketException">Nobody is there, or there is no descriptor left for it.</exception>
    public Task<Socket> ConnectAsync(LocalTarget target, CancellationToken cancellationToken) => SparingAsync(() =>
        target.SocketPath is { } path ? ConnectUnixAsync(path, cancellationToken)
        : TcpSocket.ConnectFromAsync(_source, target.Host, target.Port, cancellationToken));

    /// <summary>A socket that sends datagrams to a service, and hears from it alone.</summary>
    /// <exception cref="SocketException">There is no way there, or no descriptor left for it.</exception>
    public Task<Socket> ConnectDatagramAsync(LocalTarget target, CancellationToken cancellationToken) =>
        SparingAsync(() => UdpSocket.ConnectAsync(_source, target.Host, target.Port, cancellationToken));

    /// <summary>Takes none of the last descriptors; and where many dials were under way at once, gives back what they took of them.</summary>
    private static async Task<Socket> SparingAsync(Func<Task<Socket>> connect)
    {
        if (!Descriptors.AreShort)
        {
            var socket = await connect().ConfigureAwait(false);
            if (!Descriptors.IsReserved(socket))
            {
                return socket;
            }

            TcpSocket.ResetOnClose(socket);
            socket.Dispose();
        }

        throw new SocketException((int)SocketError.TooManyOpenSockets);
    }

    /// <summary>Where a service's queue is full, TCP would wait for a place, but a unix socket is refused at once: it is tried until there is one.</summary>
    private async Task<Socket> ConnectUnixAsync(string path, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            try
            {
                return await UnixSocket.ConnectAsync(path, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.WouldBlock)
            {
                await Task.Delay(QueueDelay, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsOwn(IPAddress address)
    {
        using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Refuse(bool condition, string reason)
    {
        if (condition)
        {
            throw new ArgumentException($"{nameof(TunnelOptions.SourceAddress)} {reason}.");
        }
    }
}
