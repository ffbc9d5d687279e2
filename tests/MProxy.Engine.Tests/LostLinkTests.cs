using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests;

/// <summary>Links that are cut while they work.</summary>
public class LostLinkTests
{
    private const int Cuts = 50;
    private const int ClientCount = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_link_cut_fifty_times_ends_its_clients_at_once_and_comes_back_each_time()
    {
        TcpProxy? proxy = null;
        await using var world = await World.StartAsync(LocalService.FloodAsync, new WorldOptions
        {
            Device = options => options with { Relay = (proxy = new TcpProxy(options.Relay!.Port)).Uri },
        });
        await using var cutter = proxy!;
        var ups = Channel.CreateUnbounded<bool>();
        world.Tunnel.EventRaised += (_, happened) => _ = happened.Kind == EventKind.LinkUp && ups.Writer.TryWrite(true);
        for (var i = 0; i < Cuts; i++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, ClientCount).Select(_ => ConnectAsync(world)));
            cutter.Cut();

            // Every client ends, with a reset: nobody takes a part for the whole.
            await Task.WhenAll(clients.Select(EndsWithResetAsync)).WaitAsync(TimeSpan.FromSeconds(20), Token);
            await ups.Reader.ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
        }

        // Relay and device hear of a cut each for itself.
        await Until.TrueAsync(() => world.Relay.ClientCount == 0 && world.Tunnel.ClientCount == 0);
    }

    [Fact]
    public async Task A_link_that_is_lost_while_a_local_service_is_dialled_leaves_nothing_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux leaves a connection beyond a full backlog waiting.");
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        using var filler = await TcpSocket.ConnectAsync("127.0.0.1", ((IPEndPoint)full.LocalEndPoint!).Port, Token);
        await using var world = new MemoryWorld();
        var tunnel = world.Own(await Tunnel.StartAsync(WorldOptions.Tunnels(world.Options(), "tcp", $"{full.LocalEndPoint}"), world.Time, Token));
        EventLog events = new();
        tunnel.EventRaised += events.Take;
        using var client = await MemoryWorld.ConnectAsync(world.Relay.TcpPort[0]);
        await client.SendAsync(new byte[100_000], Token);
        await Until.TrueAsync(() => tunnel.Links[0].Connection!.Waiting >= 100_000);

        world.Cut();
        await events.NextAsync(EventKind.LinkLost);
        await tunnel.StopAsync(cancellationToken: Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{tunnel.Ledger}");
    }

    /// <summary>A client in the middle of a transfer. The relay may be a moment behind the device in seeing the new link.</summary>
    private static async Task<Socket> ConnectAsync(World world)
    {
        for (; ; )
        {
            Socket? client = null;
            try
            {
                client = await world.ConnectAsync();
                await LocalService.ReadExactlyAsync(client, new byte[100_000]);
                return client;
            }
            catch (Exception error) when (error is SocketException or EndOfStreamException)
            {
                client?.Dispose();
                Token.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task EndsWithResetAsync(Socket client)
    {
        using (client)
        {
            await Assert.ThrowsAsync<SocketException>(() => LocalService.ReadAllAsync(client));
        }
    }
}
