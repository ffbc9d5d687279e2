using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Sessions;

/// <summary>A client that has ended on its link, and whose last bytes its service has not taken yet.</summary>
internal sealed class DeliveredClient : IDisposable
{
    /// <summary>More than any socket holds.</summary>
    public const int Length = 16 << 20;

    private readonly Socket _client;

    private DeliveredClient(DeviceLink link, Tunnel tunnel, Socket client, Socket local)
    {
        Link = link;
        Tunnel = tunnel;
        _client = client;
        Local = local;
    }

    public DeviceLink Link { get; }

    public Tunnel Tunnel { get; }

    /// <summary>The service's end, which nobody reads.</summary>
    public Socket Local { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<DeliveredClient> StartAsync(MemoryWorld world)
    {
        // The device holds more than any socket does, so that all is here long before the service has taken it.
        var link = world.Own(await DeviceLink.ConnectAsync(world.Options() with { Link = new LinkOptions { HighMark = 64 << 20, ClientBound = 64 << 20 } }, world.Time, Token));
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var tunnel = world.Own(await Tunnel.StartAsync(
            new TunnelOptions { Name = "t", Service = new ServiceMap([new("tcp", LocalTarget.Parse($"{service.LocalEndPoint}"))]), Links = [link] }, world.Time, Token));
        var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        var local = await service.AcceptAsync(Token);
        local.Shutdown(SocketShutdown.Send);
        await LocalService.SendAllAsync(client, new byte[Length], 1 << 20);
        client.Shutdown(SocketShutdown.Send);
        await Until.TrueAsync(() => link.ClientCount == 0);

        return new DeliveredClient(link, tunnel, client, local);
    }

    public void Dispose()
    {
        _client.Dispose();
        Local.Dispose();
    }
}
