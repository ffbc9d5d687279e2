using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Datagrams;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>Clients at any relay of a fleet reach the device that they are for, wherever it is.</summary>
public sealed class FleetTests
{
    [Fact]
    public async Task A_client_reaches_a_device_at_another_relay()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("app.example.com", there);
        await FleetWorld.ServesAsync(here, "app.example.com");
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(there, "app.example.com"));
    }

    [Fact]
    public async Task The_clients_own_address_is_kept()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var (_, device) = await world.AddWebAsync("app.example.com", there);
        await FleetWorld.ServesAsync(here, "app.example.com");
        using var client = await FrontClient.ConnectAsync(here.HttpPort[0], "127.9.8.7");
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(client, "app.example.com"));
        var seen = Assert.Single(device.Connections, connection => connection.Address == "127.9.8.7");
        Assert.Equal(client.EndPoint, $"{seen.Address}:{seen.Port}");
        Assert.Equal("relay r2", Assert.Single(here.Connections, connection => connection.Address == "127.9.8.7").Device);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5_000_000)]
    public async Task Bytes_are_exact_both_ways(int length)
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1", FleetWorld.WithoutTokens), await world.AddRelayAsync("r2", FleetWorld.WithoutTokens));
        var bytes = new KnownBytes();
        await world.AddDeviceAsync(world.AddService(bytes.ServeAsync).Target, new Grant(), there);
        await world.SettledAsync();
        await Parallel.ForAsync(0, 20, FleetWorld.Token, async (number, cancellationToken) =>
            Assert.True(await bytes.AskAsync(here.TcpPort[0], number, length, cancellationToken)));
    }

    [Fact]
    public async Task On_Redis_it_is_the_same()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("app.example.com", there);
        await FleetWorld.ServesAsync(here, "app.example.com");
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));
        await world.StopAsync(there);
        Assert.Equal("", (await redis.AskAsync("hget", "mproxy:{relays}", "r2")).Trim());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Datagrams_cross_too_and_the_first_is_not_lost(bool isDns)
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1", FleetWorld.WithoutTokens), await world.AddRelayAsync("r2", FleetWorld.WithoutTokens));
        await using var echo = new UdpEcho(isDns);
        await world.AddDeviceAsync(echo.Target, new Grant(), there);
        await world.SettledAsync();
        using var client = await UdpEcho.ConnectAsync(isDns ? here.DnsPort[0] : here.UdpPort[0]);
        for (var number = 0; number < 20; number++)
        {
            var sent = isDns ? DnsMessages.Query("www.example.com", id: (ushort)number) : RandomNumberGenerator.GetBytes(1 + (number * 60));
            await client.SendAsync(sent, FleetWorld.Token);
            var received = new byte[2000];
            var count = await client.ReceiveAsync(received, FleetWorld.Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), FleetWorld.Token);
            Assert.Equal(sent.Length, count);
        }
    }

    [Fact]
    public async Task The_very_name_comes_first_wherever_it_is()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("any", new Grant { Domains = ["*.example.com"] }, here);
        await world.AddWebAsync("very", new Grant { Domains = ["very.example.com"] }, there);
        await FleetWorld.ServesAsync(here, "very.example.com", "very");
        await FleetWorld.ServesAsync(there, "other.example.com", "any");
        Assert.Equal("any", await FleetWorld.AskAsync(here, "other.example.com"));
        Assert.Equal("very", await FleetWorld.AskAsync(there, "very.example.com"));
    }

    [Fact]
    public async Task Devices_of_the_relay_itself_come_first()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("one", new Grant { Domains = ["app.example.com"] }, here);
        await world.AddWebAsync("other", new Grant { Domains = ["app.example.com"] }, there);
        await world.SettledAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("one", await FleetWorld.AskAsync(here, "app.example.com"));
            Assert.Equal("other", await FleetWorld.AskAsync(there, "app.example.com"));
        }
    }

    [Fact]
    public async Task Nobody_is_found_where_nobody_is()
    {
        await using var world = new FleetWorld();
        var here = await world.AddRelayAsync("r1");
        await world.AddRelayAsync("r2");
        Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(here.HttpPort[0], "GET / HTTP/1.1\r\nHost: none.example.com\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_granted_port_is_open_at_every_relay_that_gives_it_away()
    {
        await using var world = new FleetWorld();
        var port = FreePort.Take();
        var here = await world.AddRelayAsync("r1", options => options with { GrantedPort = [port] });
        var there = await world.AddRelayAsync("r2");
        var bytes = new KnownBytes();
        await Until.TrueAsync(() => there.FleetRelays.Count(relay => relay.State == FleetState.Up) == 2);
        var device = await world.AddDeviceAsync(world.AddService(bytes.ServeAsync).Target, new Grant { Ports = [port] }, there);
        await Until.TrueAsync(() => here.OpenPort.Contains(port));
        Assert.DoesNotContain(port, there.OpenPort);
        Assert.True(await bytes.AskAsync(port, 7, 1000, FleetWorld.Token));
        await device.StopAsync(cancellationToken: FleetWorld.Token);
        await Until.TrueAsync(() => !here.OpenPort.Contains(port));
    }

    [Fact]
    public async Task Links_of_one_device_to_several_relays_stand_together()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var (_, device) = await world.AddWebAsync("app.example.com", new Grant { Id = "d1", Domains = ["app.example.com"] }, here, there);
        await Until.TrueAsync(() => (here.LinkCount, there.LinkCount) == (1, 1) && here.Fleet!.IsSettled && there.Fleet!.IsSettled);
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(there, "app.example.com"));
        Assert.All(device.Links, link => Assert.Equal(LinkState.Connected, link.State));
    }

    [Fact]
    public async Task Another_machine_with_a_devices_token_takes_over_from_it_at_any_relay()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var grant = new Grant { Id = "d1", Domains = ["app.example.com"] };
        var (_, old) = await world.AddWebAsync("old", grant, here);
        await FleetWorld.ServesAsync(here, "app.example.com", "old");
        var events = new EventLog();
        old.EventRaised += events.Take;
        await world.AddWebAsync("new", grant, there);
        Assert.Equal(ErrorCode.Replaced, (await events.NextAsync(EventKind.LinkLost)).Code);
    }

    [Fact]
    public async Task One_that_drains_gets_no_clients_of_others_and_finishes_those_it_has()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        await world.AddWebAsync("app.example.com", new Grant { Id = "d1", Domains = ["app.example.com"] }, there, here);
        await world.AddWebAsync("other.example.com", there);
        await FleetWorld.ServesAsync(here, "other.example.com");
        using var client = await FrontClient.ConnectAsync(here.HttpPort[0]);
        Assert.Equal("other.example.com", await FleetWorld.AskAsync(client, "other.example.com"));
        var stopping = there.StopAsync(TimeSpan.FromSeconds(20), FleetWorld.Token);
        await Until.TrueAsync(() => here.FleetRelays.Any(relay => relay is { Name: "r2", State: FleetState.Draining }));
        Assert.Equal("other.example.com", await FleetWorld.AskAsync(client, "other.example.com"));
        Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(here.HttpPort[0], "GET / HTTP/1.1\r\nHost: other.example.com\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));

        // Who has no client here is let go, and comes to another relay the sooner.
        await Until.TrueAsync(() => there.LinkCount == 1);
        client.Socket.Close();
        await stopping.WaitAsync(TimeSpan.FromSeconds(10), FleetWorld.Token);
    }

    [Fact]
    public async Task A_token_that_one_relay_refuses_is_refused_by_all_and_taken_back_by_all()
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var grant = new Grant { Id = "d1", Domains = ["app.example.com"] };
        var (_, device) = await world.AddWebAsync("app.example.com", grant, there);
        here.Change(options => options with { RevokedTokenIds = ["d1"] });
        await Until.TrueAsync(() => there.GrantedName.Count == 0);
        await device.StopAsync(cancellationToken: FleetWorld.Token);
        here.Change(options => options with { RevokedTokenIds = [] });
        await Until.TrueAsync(() => there.Settings.RevokedInFleet.Count == 0);
        await world.AddWebAsync("app.example.com", grant, there);
    }

    [Fact]
    public async Task An_address_has_no_more_clients_for_there_being_more_relays()
    {
        await using var world = new FleetWorld();
        Func<RelayOptions, RelayOptions> few = options => FleetWorld.WithoutTokens(options) with { Limits = options.Limits with { MaxClientsPerAddress = 32 } };
        var (here, there) = (await world.AddRelayAsync("r1", few), await world.AddRelayAsync("r2", few));
        await world.AddDeviceAsync(world.AddService(LocalService.EchoAsync).Target, new Grant(), here, there);
        await world.SettledAsync();
        List<FrontClient> clients = [];
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await FrontClient.ConnectAsync(here.TcpPort[0]));
            await clients[^1].SendAsync("x");
            await clients[^1].ReadAsync(1);
        }

        await Until.TrueAsync(() => there.Fleet!.ClientsOf(IPAddress.Loopback) == 20);
        for (var i = 0; i < 12; i++)
        {
            clients.Add(await FrontClient.ConnectAsync(there.TcpPort[0]));
            await clients[^1].SendAsync("x");
            await clients[^1].ReadAsync(1);
        }

        // Reset at once, which may be before it knows that it is connected.
        await Assert.ThrowsAsync<SocketException>(() => FrontClient.AskAsync(there.TcpPort[0], "x"));
        using var elsewhere = await FrontClient.ConnectAsync(there.TcpPort[0], "127.0.0.2");
        await elsewhere.SendAsync("x");
        await elsewhere.ReadAsync(1);
        clients.ForEach(client => client.Dispose());
    }
}
