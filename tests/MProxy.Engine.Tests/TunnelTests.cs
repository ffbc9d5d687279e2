using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests;

/// <summary>A relay, a tunnel and a local service on real loopback sockets.</summary>
public class TunnelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_clients_at_once_get_their_own_bytes_back_whole()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async seed =>
        {
            var random = new Random(seed);
            var sent = new byte[random.Next(0, 400_000)];
            random.NextBytes(sent);
            Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await world.ExchangeAsync(sent, random.Next(1, 70_000))));
        }));
        await world.StopAsync();
        Assert.Equal(0, world.Relay.ClientCount);
    }

    [Fact]
    public async Task A_client_that_has_sent_all_still_gets_the_whole_answer()
    {
        var answer = RandomNumberGenerator.GetBytes(3_000_000);
        await using var world = await World.StartAsync(async local =>
        {
            var buffer = new byte[1000];
            while (await local.ReceiveAsync(buffer, Token) > 0)
            {
            }

            await LocalService.SendAllAsync(local, answer, answer.Length);
        });
        Assert.Equal(SHA256.HashData(answer), SHA256.HashData(await world.ExchangeAsync([1, 2, 3], 1)));
    }

    [Fact]
    public async Task A_reader_that_stalls_stops_nobody_else()
    {
        var bulk = new byte[8 << 20];
        await using var world = await World.StartAsync(local => LocalService.SendOnRequestAsync(local, bulk));
        using var stalled = await world.ConnectAsync();
        await stalled.SendAsync(new byte[1], Token);

        // Three others in full while the first reads nothing.
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(bulk.Length, (await world.ExchangeAsync([1], 1)).Length);
        }

        Assert.Equal(bulk.Length, (await LocalService.ReadAllAsync(stalled)).Length);
    }

    [Fact]
    public async Task A_client_that_never_reads_does_not_hold_up_a_stop()
    {
        await using var world = await World.StartAsync(local => LocalService.SendOnRequestAsync(local, new byte[8 << 20]));
        using var stalled = await world.ConnectAsync();
        await stalled.SendAsync(new byte[1], Token);
        stalled.Shutdown(SocketShutdown.Send);

        // By the time another has had its whole answer, the stalled one's is waiting on both sides.
        await world.ExchangeAsync([1], 1);
        await world.StopAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task A_service_that_refuses_ends_its_client_alone()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        await using var tunnel = await world.StartTunnelAsync($"127.0.0.1:{FreePort.Take()}");
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                return (await world.ExchangeAsync([7], 1)).Length;
            }
            catch (SocketException)
            {
                return -1;
            }
        }));

        // Two devices take turns: the clients of one fail, those of the other do not notice.
        Assert.Equal(4, results.Count(length => length == 1));
        Assert.Equal(4, results.Count(length => length == -1));
    }

    [Fact]
    public async Task What_the_map_does_not_name_is_not_served()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { Service = "ssh" });
        await Assert.ThrowsAsync<SocketException>(() => world.ExchangeAsync([1], 1));
    }

    [Fact]
    public async Task A_client_is_reset_where_no_device_is_connected()
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var client = await TcpSocket.ConnectAsync("127.0.0.1", relay.TcpPort[0], Token);
            await LocalService.ReadAllAsync(client);
        });
    }

    [Fact]
    public async Task A_link_that_speaks_no_mproxy_is_closed_and_others_go_on()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        using var stranger = await TcpSocket.ConnectAsync("127.0.0.1", world.Relay.Listen[0].Port, Token);
        await stranger.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
        try
        {
            // The greeting, then the end.
            await LocalService.ReadAllAsync(stranger);
        }
        catch (SocketException)
        {
        }

        Assert.Equal([5], await world.ExchangeAsync([5], 1));
    }

    [Fact]
    public async Task A_tunnel_comes_back_when_its_relay_does()
    {
        var options = WorldOptions.Relays() with { Listen = [CarrierUri.Parse($"tcp://127.0.0.1:{FreePort.Take()}")], TcpPort = [FreePort.Take()] };
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { Relay = _ => options });
        await world.Relay.DisposeAsync();
        await using var again = await Until.OpenAsync(() => RelayServer.Start(options));
        for (; ; )
        {
            try
            {
                Assert.Equal([5], await world.ExchangeAsync([5], 1));
                return;
            }
            catch (SocketException)
            {
                // Not back yet: the test's own time-out bounds this.
                await Task.Yield();
                Token.ThrowIfCancellationRequested();
            }
        }
    }

    [Fact]
    public async Task A_relay_that_never_greets_is_told_in_time()
    {
        using var silent = new RawPeer();
        var time = new ManualTime();
        var link = new DeviceLinkOptions { Dialer = _ => Task.FromResult(silent.ToCarrier(time)), ConnectTimeout = TimeSpan.FromSeconds(5) };
        var starting = Tunnel.StartAsync(WorldOptions.Tunnels(link, "tcp", "127.0.0.1:9"), time, Token);
        await time.TimersAsync(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(5));
        var error = await Assert.ThrowsAsync<LinkException>(() => starting.WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Contains("did not greet", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp://0.0.0.0:0")]
    [InlineData("tcp://[::]:0")]
    public void A_relay_without_a_secret_listens_on_loopback_only(string listen) =>
        Assert.Throws<InvalidOperationException>(() => RelayServer.Start(WorldOptions.Relays() with { Listen = [CarrierUri.Parse(listen)] }));
}
