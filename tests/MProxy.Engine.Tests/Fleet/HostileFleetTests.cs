using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;
using MProxy.Trials.Clients;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A fleet whose directory is empty, slow, wrong or full of what nobody should have written, and clients that come at the worst moment.</summary>
public sealed class HostileFleetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_directory_that_was_emptied_cuts_nobody_off()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        var here = await world.AddRelayAsync("r1");
        var there = await world.AddRelayAsync("r2", options => options with { Fleet = options.Fleet! with { Beat = TimeSpan.FromSeconds(1), Lease = TimeSpan.FromSeconds(10) } });
        await world.AddWebAsync("app.example.com", there);
        await FleetWorld.ServesAsync(here, "app.example.com");
        await redis.AskAsync("flushall");
        var since = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(2))
        {
            Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));
        }
    }

    [Fact]
    public async Task A_port_of_UDP_stays_open_when_the_directory_was_emptied_and_its_clients_are_served_on()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        await using var echo = new UdpEcho();
        var port = FreePort.Take();
        var here = await world.AddRelayAsync("r1", options => options with { GrantedUdpPort = [port] });
        var there = await world.AddRelayAsync("r2", options => options with { Fleet = options.Fleet! with { Beat = TimeSpan.FromMilliseconds(600) } });
        await Until.TrueAsync(() => there.FleetRelays.Count(relay => relay.State == FleetState.Up) == 2);
        await world.AddDeviceAsync(echo.Target, new Grant { UdpPorts = [port] }, there);
        await Until.TrueAsync(() => here.OpenUdpPort.Contains(port));
        await world.SettledAsync();
        using var client = await UdpEcho.ConnectAsync(port);
        Assert.True(await UdpEcho.AskAsync(client));
        await redis.AskAsync("flushall");
        for (var i = 0; i < 20; i++)
        {
            Assert.True(await UdpEcho.AskAsync(client));
            await Task.Delay(50, Token);
        }

        using var other = await UdpEcho.ConnectAsync(port);
        Assert.True(await UdpEcho.AskAsync(other));
    }

    [Fact]
    public async Task Datagrams_find_the_relay_that_can_be_reached()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        await using var echo = new UdpEcho();
        using var hole = FleetWorld.Hole();
        var port = FreePort.Take();
        var here = await world.AddRelayAsync("r1", options => options with { GrantedUdpPort = [port], Fleet = options.Fleet! with { HopTimeout = TimeSpan.FromMilliseconds(300) } });
        var there = await world.AddRelayAsync("r2");
        await Until.TrueAsync(() => there.FleetRelays.Count(relay => relay.State == FleetState.Up) == 2);
        await world.AddDeviceAsync(echo.Target, new Grant { UdpPorts = [port] }, there);
        await Until.TrueAsync(() => here.OpenUdpPort.Contains(port));
        await redis.AskAsync("hset", "mproxy:{relays}", "hole", Node(hole));
        await redis.AskAsync("hset", $"mproxy:route:{{u:{port}}}", "hole", Route);
        await Until.TrueAsync(() => here.FleetRelays.Any(relay => relay.Name == "hole"));
        for (var i = 0; i < 8; i++)
        {
            using var client = await UdpEcho.ConnectAsync(port);
            Assert.True(await UdpEcho.AskAsync(client));
        }
    }

    [Fact]
    public async Task A_service_that_says_all_at_once_loses_no_byte_of_its_client()
    {
        await using var world = new FleetWorld();
        var limits = new RelayLimits { MaxNewClientsPerAddress = 0, MaxNewClientsPerSecond = 0 };
        var (here, there) = (
            await world.AddRelayAsync("r1", options => FleetWorld.WithoutTokens(options) with { Limits = limits }),
            await world.AddRelayAsync("r2", options => FleetWorld.WithoutTokens(options) with { Limits = limits }));
        var whole = 0;
        var service = world.AddService(async local =>
        {
            await LocalService.SendAllAsync(local, new byte[100], 100);
            local.Shutdown(SocketShutdown.Send);
            if ((await LocalService.ReadAllAsync(local)).Length == 10)
            {
                Interlocked.Increment(ref whole);
            }
        });
        await world.AddDeviceAsync(service.Target, new Grant(), there);
        await world.SettledAsync();
        const int Clients = 2000;
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Token }, async (_, token) =>
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, here.TcpPort[0]), token);
            await client.SendAsync(new byte[10], token);
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(100, (await LocalService.ReadAllAsync(client)).Length);
        });
        await Until.TrueAsync(() => Volatile.Read(ref whole) == Clients);
    }

    [Fact]
    public async Task A_process_that_took_over_a_name_at_another_address_gets_its_clients()
    {
        await using var world = new FleetWorld();
        var (here, old) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var (_, device) = await world.AddWebAsync("app.example.com", old);
        await FleetWorld.ServesAsync(here, "app.example.com");
        var late = world.Start("r2");
        await world.Events[old].NextAsync(EventKind.DirectoryLost);
        await device.StopAsync(cancellationToken: Token);
        await world.AddWebAsync("app.example.com", late);
        await FleetWorld.ServesAsync(here, "app.example.com");
    }

    [Fact]
    public async Task What_a_dead_relay_left_behind_hides_nobody()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        using var hole = FleetWorld.Hole();
        var here = await world.AddRelayAsync("r1", options => options with { Fleet = options.Fleet! with { HopTimeout = TimeSpan.FromMilliseconds(300) } });
        await world.AddRelayAsync("r2");
        await redis.AskAsync("hset", "mproxy:route:{n:old.example.com}", "r2", "1 1 0 9999999999999");
        await redis.AskAsync("hset", "mproxy:route:{n:hole.example.com}", "hole", Route);
        await redis.AskAsync("hset", "mproxy:{relays}", "hole", Node(hole));
        await Until.TrueAsync(() => here.FleetRelays.Any(relay => relay.Name == "hole"));
        await world.AddWebAsync("any", new Grant { Domains = ["*.example.com"] }, here);
        await FleetWorld.ServesAsync(here, "other.example.com", "any");
        Assert.Equal("any", await FleetWorld.AskAsync(here, "old.example.com"));
        Assert.Equal("any", await FleetWorld.AskAsync(here, "hole.example.com"));
    }

    [Theory]
    [InlineData("1 9999999999999 {\"Peer\":null,\"Version\":null,\"Addresses\":null,\"Devices\":null,\"TcpPorts\":null}")]
    [InlineData("1 9000000000000000 {\"Name\":\"\"}")]
    [InlineData("1 99999999999999999999999999 {}")]
    [InlineData("1 9999999999999 {\"Peer\":\"tls://[\",\"TcpPorts\":\"1-65535,1-65535,x,-,70000\",\"Devices\":{\"d\":-5}}")]
    [InlineData("1 9999999999999 []")]
    [InlineData("x")]
    public async Task What_stands_in_the_directory_ends_nobody(string node)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        var here = await world.AddRelayAsync("r1");
        await world.AddWebAsync("app.example.com", here);
        await redis.AskAsync("hset", "mproxy:{relays}", "evil", node);
        await redis.AskAsync("hset", "mproxy:route:{n:x.example.com}", "evil", Route);
        await redis.AskAsync("hset", "mproxy:route:{n:y.example.com}", "r1", "x y z", "r3", "", "r4", "99999999999999999999 1 1");
        await Task.Delay(300, Token);
        _ = here.FleetRelays;
        foreach (var name in new[] { "x.example.com", "y.example.com" })
        {
            Assert.StartsWith("HTTP/1.1 50", await FrontClient.AskAsync(here.HttpPort[0], $"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n"), StringComparison.Ordinal);
        }

        // It is still heard of, which a later relay sees.
        var there = await world.AddRelayAsync("r2");
        await FleetWorld.ServesAsync(there, "app.example.com");
    }

    [Fact]
    public async Task A_database_that_is_none_is_told_and_holds_up_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld($"{redis.Uri}/99");
        var here = world.Start("r1");
        await world.Events[here].NextAsync(EventKind.DirectoryLost);
        await world.AddWebAsync("app.example.com", here);
        Assert.Equal("app.example.com", await FleetWorld.AskAsync(here, "app.example.com"));
    }

    [Fact]
    public async Task One_key_that_cannot_be_told_holds_up_no_other()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        await redis.AskAsync("set", "mproxy:route:{n:d1.example.com}", "no hash");
        var here = await world.AddRelayAsync("r1");
        for (var device = 0; device < 5; device++)
        {
            await world.AddWebAsync($"w{device}", new Grant { Domains = [.. Enumerable.Range(0, 150).Select(i => $"d{(device * 150) + i}.example.com")] }, here);
        }

        var told = "";
        await Until.TrueAsync(async () => (told = (await redis.AskAsync("eval", "return #redis.call('KEYS', 'mproxy:route:*')", "0")).Trim()) == "750");
        Assert.Equal("750", told);
    }

    [Fact]
    public async Task Whom_the_relay_does_not_allow_any_more_is_not_served_elsewhere_either()
    {
        await using var world = new FleetWorld();
        await using var echo = new UdpEcho();
        var (here, there) = (await world.AddRelayAsync("r1", FleetWorld.WithoutTokens), await world.AddRelayAsync("r2", FleetWorld.WithoutTokens));
        await world.AddDeviceAsync(echo.Target, new Grant(), there);
        await world.SettledAsync();
        using var client = await UdpEcho.ConnectAsync(here.UdpPort[0]);
        Assert.True(await UdpEcho.AskAsync(client));
        here.Change(options => options with { Limits = options.Limits with { DeniedClients = [IPNetwork.Parse("127.0.0.1/32")] } });
        Assert.False(await UdpEcho.AskAsync(client, TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_client_of_another_relays_device_counts_once()
    {
        await using var world = new FleetWorld();
        var port = FreePort.Take();
        var here = await world.AddRelayAsync("r1", options => options with { GrantedPort = [port], Limits = options.Limits with { MaxNewClientsPerAddress = 20 } });
        var there = await world.AddRelayAsync("r2");
        var bytes = new KnownBytes();
        await Until.TrueAsync(() => there.FleetRelays.Count(relay => relay.State == FleetState.Up) == 2);
        await world.AddDeviceAsync(world.AddService(bytes.ServeAsync).Target, new Grant { Ports = [port] }, there);
        await Until.TrueAsync(() => here.OpenPort.Contains(port));
        await world.SettledAsync();
        for (var i = 0; i < 36; i++)
        {
            // Twice as many at once as there may be in a second.
            Assert.True(await bytes.AskAsync(port, i, 10, Token), $"client {i}");
        }
    }

    [Fact]
    public async Task A_slow_directory_holds_up_few_clients()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var way = new TcpProxy(redis.Port, TimeSpan.FromMilliseconds(400));
        await using var world = new FleetWorld($"redis://127.0.0.1:{way.Uri.Port}");
        var here = world.Start("r1", options => options with { Fleet = options.Fleet! with { Beat = TimeSpan.FromSeconds(1), Lease = TimeSpan.FromSeconds(10) } });
        await world.Events[here].NextAsync(EventKind.DirectoryFound);
        await world.AddWebAsync("any", new Grant { Domains = ["*.example.com"] }, here);
        var since = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal("any", await FleetWorld.AskAsync(here, $"x{i}.example.com"));
        }

        // The first may have waited its half second; nobody did behind it, and all together would have for twenty.
        Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_machine_that_came_later_keeps_a_devices_place_whatever_the_directory_forgot()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        var (here, there) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"));
        var grant = new Grant { Id = "d1", Domains = ["app.example.com"] };
        var (_, older) = await world.AddWebAsync("older", grant, here);
        await Until.TrueAsync(async () => (await redis.AskAsync("hget", "mproxy:device:{d1}", "generation")).Trim().Length > 0);
        await redis.AskAsync("del", "mproxy:device:{d1}");
        var events = new Sessions.EventLog();
        older.EventRaised += events.Take;
        var (_, newer) = await world.AddWebAsync("newer", grant, there);
        await Until.TrueAsync(async () => (await redis.AskAsync("hget", "mproxy:device:{d1}", "generation")).Trim().Length > 0);
        Assert.Equal(LinkState.Connected, newer.Links[0].State);

        // What makes the first claim it again, as it does from time to time anyway.
        await redis.AskAsync("hdel", "mproxy:{relays}", "r1");
        Assert.Equal(ErrorCode.Replaced, (await events.NextAsync(EventKind.LinkLost)).Code);
    }

    private const string Route = "9999999999999999 1 0 9999999999999";

    private static string Node(Socket hole) => $"1 9999999999999 {{\"Name\":\"\",\"Peer\":\"tls://{hole.LocalEndPoint}\"}}";
}
