using System.Globalization;
using System.Text;
using MProxy.Engine.Device;
using MProxy.Engine.Health;
using MProxy.Engine.Tests.Datagrams;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Routing;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>Two devices under one name, with real services that go and come back, and real clients.</summary>
public class HealthWorldTests
{
    private const string Name = "app.test";
    private const string UnrecognizedName = "\x15\x03\x01\0\x02\x02\x70";

    [Fact]
    public async Task Clients_go_where_the_service_is_well_and_those_there_are_go_on()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        var device = await AddAsync(world, one);
        await AddAsync(world, two);
        var events = new EventLog();
        device.EventRaised += events.Take;
        Assert.Equal(["one", "two"], await AskAsync(world, 10));

        // In turns: one download at each.
        using var first = await StartDownloadAsync(world);
        using var second = await StartDownloadAsync(world);
        await Until.TrueAsync(() => device.ClientCount == 1 && world.Relay.ClientCount == 2);
        one.Health = 503;
        var down = await events.NextAsync(EventKind.ServiceHealthChanged);
        Assert.Equal($"The service {Name}={device.Services[1].Target} is down: it answers 503. New clients go elsewhere until it is up.", down.Message);
        await DevicesAsync(world, 1);
        Assert.Equal(["two"], await AskAsync(world, 20));
        Assert.Equal(ServiceState.Down, device.Services[1].State);

        // Another service of the same device is not touched by that.
        Assert.Equal(["one", "two"], await AskAsync(world, 10, "other.test"));
        one.GoOn();
        two.GoOn();
        Assert.Equal(ProbedWeb.Download, await ReadDownloadAsync(first));
        Assert.Equal(ProbedWeb.Download, await ReadDownloadAsync(second));
        one.Health = 200;
        await DevicesAsync(world, 2);
        Assert.Equal(["one", "two"], await AskAsync(world, 10));
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    [Fact]
    public async Task Where_it_is_well_nowhere_its_clients_are_refused_in_their_protocol()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        await AddAsync(world, one);
        await AddAsync(world, two);
        (one.Health, two.Health) = (500, 500);
        await DevicesAsync(world, 0);
        foreach (var port in new[] { world.Http, world.Mixed })
        {
            var answer = await FrontClient.AskAsync(port, $"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", answer, StringComparison.Ordinal);
        }

        Assert.Equal(UnrecognizedName, await FrontClient.AskAsync(world.Tls, Encoding.Latin1.GetString(HelloBuilder.Hello(HelloBuilder.NameExtension(Name)))));
        Assert.Equal([new("its service is not healthy at any device", 3)], world.Relay.RefusedBy);
        Assert.Equal(["one", "two"], await AskAsync(world, 4, "other.test"));
        two.Health = 200;
        await DevicesAsync(world, 1);
        Assert.Equal(["two"], await AskAsync(world, 4));
        Assert.Equal(3, world.Relay.RefusedCount);
    }

    [Fact]
    public async Task A_service_that_does_not_listen_is_down_until_it_does()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        var port = FreePort.Take();
        var service = new FrontService(one.ServeAsync, port);
        await AddAsync(world, service.Target, "tcp");
        await AddAsync(world, world.AddService(two.ServeAsync).Target, "tcp");
        await service.DisposeAsync();
        await DevicesAsync(world, 1);
        Assert.Equal(["two"], await AskAsync(world, 10));
        await using (await Until.OpenAsync(() => new FrontService(one.ServeAsync, port)))
        {
            await DevicesAsync(world, 2);
            Assert.Equal(["one", "two"], await AskAsync(world, 10));
        }
    }

    [Fact]
    public async Task A_service_that_is_drained_gets_no_new_clients_and_finishes_those_it_has()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        var device = await AddAsync(world, one);
        var other = await AddAsync(world, two);
        using var first = await StartDownloadAsync(world);
        using var second = await StartDownloadAsync(world);
        Assert.True(device.DrainService("App.Test."));
        Assert.False(device.DrainService(Name));
        Assert.Equal(ServiceState.Draining, device.Services[1].State);
        await DevicesAsync(world, 1);
        Assert.Equal(["two"], await AskAsync(world, 10));
        Assert.True(other.DrainService(Name));
        await DevicesAsync(world, 0);
        Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(world.Http, $"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n"), StringComparison.Ordinal);
        one.GoOn();
        two.GoOn();
        Assert.Equal(ProbedWeb.Download, await ReadDownloadAsync(first));
        Assert.Equal(ProbedWeb.Download, await ReadDownloadAsync(second));
        Assert.True(device.RestoreService(Name));
        Assert.False(device.RestoreService(Name));
        await DevicesAsync(world, 1);
        Assert.Equal(["one"], await AskAsync(world, 4));
        Assert.Equal("This tunnel has no service 'no.test'.", Assert.Throws<ArgumentException>(() => device.DrainService("no.test")).Message);
    }

    [Fact]
    public async Task Services_that_change_are_probed_as_the_checks_then_say()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        var device = await AddAsync(world, one);
        var next = LocalTarget.Parse(world.AddService(two.ServeAsync).Target);
        var events = new EventLog();
        device.EventRaised += events.Take;
        one.Health = 503;
        Assert.EndsWith("is down: it answers 503. New clients go elsewhere until it is up.", await SaidAsync(), StringComparison.Ordinal);
        await DevicesAsync(world, 0);

        // Another target is well until a probe of its own says otherwise.
        await ChangeAsync(options => options with { Service = new ServiceMap([new(Name, next)]) });
        await DevicesAsync(world, 1);
        Assert.Equal(["two"], await AskAsync(world, 4));
        two.Health = 500;
        Assert.Equal($"The service {Name}={next} is down: it answers 500. New clients go elsewhere until it is up.", await SaidAsync());
        await DevicesAsync(world, 0);

        // A path that is well brings it back with its first probe.
        await ChangeAsync(options => options with { HealthChecks = new HealthChecks(ServiceProbe.Parse("http:/") with { Interval = TimeSpan.FromSeconds(0.1) }) });
        await DevicesAsync(world, 1);
        Assert.EndsWith("is up again. It gets new clients.", await SaidAsync(), StringComparison.Ordinal);

        // For all means those too that come later.
        await ChangeAsync(options => options with { Service = new ServiceMap([new(Name, LocalTarget.Parse("127.0.0.1:1"))]) });
        Assert.StartsWith($"The service {Name}=127.0.0.1:1 is down: ", await SaidAsync(), StringComparison.Ordinal);
        await DevicesAsync(world, 0);
        await ChangeAsync(options => options with { HealthChecks = HealthChecks.None });
        Assert.Equal($"The service {Name}=127.0.0.1:1 is probed no more. It gets new clients.", await SaidAsync());
        await DevicesAsync(world, 1);
        Assert.Equal((ServiceState.Up, null), (device.Services[0].State, device.Services[0].LastError));
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => ChangeAsync(options => options with { HealthChecks = new([new("no.test", new ServiceProbe())]) }));
        Assert.Equal("There is a health check for 'no.test', and no such service.", refused.Message);

        Task ChangeAsync(Func<TunnelOptions, TunnelOptions> change) => device.ChangeAsync(change, FrontWorld.Token);
        async Task<string> SaidAsync() => (await events.NextAsync(EventKind.ServiceHealthChanged)).Message;
    }

    [Fact]
    public async Task A_name_that_the_relay_drains_is_refused_for_all_devices_and_running_clients_finish()
    {
        await using var world = new FrontWorld();
        var (one, two) = (new ProbedWeb("one"), new ProbedWeb("two"));
        await AddAsync(world, one);
        await AddAsync(world, two);
        using var running = await StartDownloadAsync(world);
        Assert.True(world.Relay.DrainName("APP.test"));
        Assert.False(world.Relay.DrainName(Name));
        Assert.Equal([Name], world.Relay.DrainedName);
        Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(world.Http, $"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal(["one", "two"], await AskAsync(world, 4, "other.test"));
        one.GoOn();
        two.GoOn();
        Assert.Equal(ProbedWeb.Download, await ReadDownloadAsync(running));

        // The same connection was there before.
        await running.SendAsync($"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n");
        Assert.Contains(await running.ReadAnswerAsync(), new[] { "one", "two" });
        Assert.True(world.Relay.RestoreName(Name));
        Assert.False(world.Relay.RestoreName(Name));
        Assert.Equal(["one", "two"], await AskAsync(world, 4));
        Assert.Equal([new("its name is being drained", 1)], world.Relay.RefusedBy);

        // A port, and everybody who comes there.
        Assert.True(world.Relay.DrainName($"{world.Tcp}"));
        await MemoryWorld.IsResetAsync(world.Tcp);
        Assert.Equal(["one", "two"], await AskAsync(world, 4));
        Assert.Equal([new("its name is being drained", 2)], world.Relay.RefusedBy);
    }

    [Fact]
    public async Task Datagrams_reach_no_service_that_is_drained_but_those_of_running_clients_do()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var running = DatagramWorld.NewClient(world.Udp);
        using var next = DatagramWorld.NewClient(world.Udp);
        Assert.Equal([1], await DatagramWorld.AskAsync(running, [1]));
        Assert.True(world.Tunnel.DrainService("*"));
        var client = new FrameMeta { Service = "udp", ServicePort = world.Udp.Port };
        await Until.TrueAsync(() => world.Relay.Registry.Candidates(client).Length == 0);

        // The service has nothing for streams: what becomes of those is for the device to say.
        Assert.Single(world.Relay.Registry.Candidates(client with { Service = "tcp" }));
        await next.SendAsync(new byte[] { 2 }, FrontWorld.Token);
        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("its service is not healthy at any device") == 1);
        Assert.Equal([3], await DatagramWorld.AskAsync(running, [3]));
        Assert.True(world.Tunnel.RestoreService("*"));
        await Until.TrueAsync(() => world.Relay.Registry.Candidates(client).Length == 1);
        Assert.Equal([4], await DatagramWorld.AskAsync(next, [4]));
    }

    private static Task<Tunnel> AddAsync(FrontWorld world, ProbedWeb web) => AddAsync(world, world.AddService(web.ServeAsync).Target, "http:/health");

    /// <summary>A device whose service of the name is probed, and another one that is not.</summary>
    private static Task<Tunnel> AddAsync(FrontWorld world, string target, string probe) => world.AddDeviceAsync(target, [Name, "other.test"], [], options => options with
    {
        Service = new ServiceMap([new(Name, LocalTarget.Parse(target)), new("*", LocalTarget.Parse(target))]),
        HealthChecks = new([new(Name, ServiceProbe.Parse(probe) with { Interval = TimeSpan.FromSeconds(0.1) })]),
    });

    /// <summary>The relay knows of this many devices whose service gets new clients.</summary>
    private static Task DevicesAsync(FrontWorld world, int count) => Until.TrueAsync(
        () => world.Relay.Registry.Candidates(new FrameMeta { Name = Name, Service = "http", ServicePort = world.Http, Address = "192.0.2.1" }).Length == count);

    /// <summary>Who answers this many new clients, of whom none fails.</summary>
    private static async Task<string[]> AskAsync(FrontWorld world, int count, string host = Name)
    {
        List<string> names = [];
        for (var i = 0; i < count; i++)
        {
            using var client = await FrontClient.ConnectAsync(world.Http);
            await client.SendAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            names.Add(await client.ReadAnswerAsync());
        }

        return [.. names.Distinct().Order()];
    }

    private static async Task<FrontClient> StartDownloadAsync(FrontWorld world)
    {
        var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync($"GET /download HTTP/1.1\r\nHost: {Name}\r\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK\r\n", await client.ReadTextAsync(17));
        return client;
    }

    private static async Task<string> ReadDownloadAsync(FrontClient client)
    {
        var head = $"Content-Length: {ProbedWeb.Download.Length}\r\n\r\n";
        return (await client.ReadTextAsync(head.Length + ProbedWeb.Download.Length))[head.Length..];
    }
}
