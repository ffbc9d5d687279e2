using System.Net;
using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Reload;

/// <summary>What else changes while a relay works, and that it works on however often it does.</summary>
public class RelayChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_are_sent_to_https_from_the_moment_that_they_are_to_be()
    {
        await using var world = new FrontWorld();
        await world.AddWebAsync("a.test");
        const string Request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
        using var before = await FrontClient.ConnectAsync(world.Http);
        await before.SendAsync(Request);
        Assert.Equal("a.test: GET a.test / 0\n", await before.ReadAnswerAsync());
        world.Relay.Change(options => options with { RedirectToHttps = true });
        Assert.StartsWith("HTTP/1.1 308 ", await FrontClient.AskAsync(world.Http, Request), StringComparison.Ordinal);

        // Who came before stays as it came.
        await before.SendAsync(Request);
        Assert.Equal("a.test: GET a.test / 0\n", await before.ReadAnswerAsync());
        world.Relay.Change(options => options with { RedirectToHttps = false });
        using var after = await FrontClient.ConnectAsync(world.Http);
        await after.SendAsync(Request);
        Assert.Equal("a.test: GET a.test / 0\n", await after.ReadAnswerAsync());
    }

    [Fact]
    public async Task A_proxy_is_believed_from_the_moment_that_it_is_trusted()
    {
        await using var world = new FrontWorld();
        var (web, _) = await world.AddWebAsync("a.test", options => options with { ProxyProtocol = Engine.ProxyProtocol.ProxyProtocolVersion.V1 });
        const string Request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
        const string Header = "PROXY TCP4 192.0.2.7 192.0.2.8 4321 80\r\n";
        Assert.StartsWith("HTTP/1.1 400 ", await FrontClient.AskAsync(world.Http, Header + Request), StringComparison.Ordinal);
        world.Relay.Change(options => options with { TrustedProxy = [IPNetwork.Parse("127.0.0.0/8")] });
        using var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync(Header + Request);
        Assert.Equal("a.test: GET a.test / 0\n", await client.ReadAnswerAsync());
        Assert.Equal(["V1 192.0.2.7:4321"], web.Clients);
    }

    [Fact]
    public async Task A_client_of_a_name_below_is_over_when_names_stand_for_themselves_alone()
    {
        await using var world = new FrontWorld();
        await world.AddWebAsync("a.test");
        using var below = await FrontClient.ConnectAsync(world.Http);
        using var exact = await FrontClient.ConnectAsync(world.Http);
        await below.SendAsync("GET / HTTP/1.1\r\nHost: www.a.test\r\n\r\n");
        await below.ReadAnswerAsync();
        await exact.SendAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        await exact.ReadAnswerAsync();
        world.Relay.Change(options => options with { ExactNamesOnly = true });
        await below.IsResetAsync();
        await exact.SendAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        await exact.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(world.Http, "GET / HTTP/1.1\r\nHost: www.a.test\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_are_balanced_as_is_said_now()
    {
        await using var world = new FrontWorld(options => options with { Balance = RelayBalance.ClientAddress });
        await world.AddWebAsync("a.test");
        await world.AddWebAsync("a.test");
        int[] Counts() => [.. world.Relay.Registry.Links.Select(link => link.Connection.ClientCount).Order()];
        List<FrontClient> clients = [];
        try
        {
            for (var i = 0; i < 4; i++)
            {
                clients.Add(await AskAsync(world));
            }

            Assert.Equal([0, 4], Counts());
            world.Relay.Change(options => options with { Balance = RelayBalance.LeastConnections });
            for (var i = 0; i < 4; i++)
            {
                clients.Add(await AskAsync(world));
            }

            Assert.Equal([4, 4], Counts());
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_silent_client_is_waited_for_as_long_as_is_said_now()
    {
        var time = new ManualTime();
        await using var world = new FrontWorld(options => options with { FirstByteTimeout = TimeSpan.FromMinutes(5) }, time);
        var service = world.AddService(socket => LocalService.SendAllAsync(socket, "hello"u8.ToArray(), 5));
        await world.AddDeviceAsync(service.Target, [], [world.Mixed]);
        world.Relay.Change(options => options with { FirstByteTimeout = TimeSpan.FromSeconds(3), Carrier = options.Carrier with { HandshakeTimeout = TimeSpan.FromSeconds(4) } });
        using var silent = await FrontClient.ConnectAsync(world.Mixed);
        await time.TimersAsync(TimeSpan.FromSeconds(3));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("hello", await silent.ReadTextAsync(5));

        using var late = await FrontClient.ConnectAsync(world.Http);
        await time.TimersAsync(TimeSpan.FromSeconds(4));
        time.Advance(TimeSpan.FromSeconds(4));
        await late.IsResetAsync();
    }

    [Fact]
    public async Task A_thousand_changes_under_load_lose_nobody()
    {
        using var one = TestCertificate.SelfSigned("one");
        using var two = TestCertificate.SelfSigned("two");
        var (key, other) = (NewKey(), NewKey());
        await using var relay = RelayServer.Start(WorldOptions.Relays("tls://127.0.0.1:0") with { HttpPort = [0], Keys = [key], Carrier = new() { Certificate = one } });
        await using var service = new FrontService(LocalService.EchoAsync);
        using var web = new NamedWeb("a.test");
        await using var asked = new FrontService(web.ServeAsync);
        await using var tunnel = await StartAsync(relay, key, $"tcp={service.Target}", relay.TcpPort[0]);
        await using var names = await StartAsync(relay, key, $"http={asked.Target}");
        using var transfers = await RunningTransfers.StartAsync(relay.TcpPort[0], 4, 12 << 20);
        var changing = Task.Run(
            () =>
            {
                for (var i = 0; i < 1_000; i++)
                {
                    var odd = i % 2 == 1;
                    relay.Change(options => options with
                    {
                        Limits = new RelayLimits { MaxClients = odd ? 100 : 200, ClientBytesPerSecond = i % 10 == 5 ? 1L << 30 : 0 },
                        Keys = odd ? [key] : [other, key],
                        RevokedTokenIds = odd ? ["x"] : [],
                        Balance = odd ? RelayBalance.LeastConnections : RelayBalance.RoundRobin,
                        TokenTimeout = TimeSpan.FromSeconds(odd ? 10 : 20),
                        FirstByteTimeout = TimeSpan.FromSeconds(odd ? 1 : 2),
                        Carrier = i % 20 == 0 ? options.Carrier with { Certificate = odd ? one : two } : options.Carrier,
                    });
                }
            },
            Token);

        // All the while clients come and go, and so do devices.
        var requests = 0;
        do
        {
            using var client = await FrontClient.ConnectAsync(relay.HttpPort[0]);
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
            Assert.Equal("a.test: GET a.test / 0\n", await client.ReadAnswerAsync());
            if (requests++ % 8 == 0)
            {
                await using var device = await DeviceLink.ConnectAsync(WorldOptions.Links(relay.Listen[0]) with { Tokens = [NewToken(key, "b.test")] }, cancellationToken: Token);
            }
        }
        while (!changing.IsCompleted);
        await changing;
        await transfers.FinishAsync();
        Assert.Equal((LinkState.Connected, LinkState.Connected, 0L), (tunnel.State, names.State, relay.RefusedCount));
        await Task.WhenAll(tunnel.StopAsync(cancellationToken: Token), names.StopAsync(cancellationToken: Token));
        await relay.StopAsync(cancellationToken: Token);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{relay.Ledger}");
    }

    [Fact]
    public async Task Changes_from_many_sides_come_one_after_the_other()
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays() with { Limits = new RelayLimits { MaxClients = 0 } });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () =>
            {
                for (var i = 0; i < 500; i++)
                {
                    relay.Change(options => options with { Limits = options.Limits with { MaxClients = options.Limits.MaxClients + 1 } });
                }
            },
            Token)));
        relay.Change(options =>
        {
            Assert.Equal(4_000, options.Limits.MaxClients);
            return options;
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public async Task A_change_in_the_middle_of_a_stop_does_no_harm(int drainSeconds)
    {
        var key = NewKey();
        for (var round = 0; round < 20; round++)
        {
            await using var relay = RelayServer.Start(WorldOptions.Relays("tls://127.0.0.1:0") with { Keys = [key] });
            await using var service = new FrontService(LocalService.EchoAsync);
            await using var tunnel = await StartAsync(relay, key, $"tcp={service.Target}", relay.TcpPort[0]);
            using var client = await FrontClient.ConnectAsync(relay.TcpPort[0]);
            await client.SendAsync("x");
            await client.ReadAsync(1);
            var changing = Task.Run(
                () =>
                {
                    for (var i = 0; ; i++)
                    {
                        try
                        {
                            relay.Change(options => options with
                            {
                                Keys = [NewKey()],
                                Limits = new RelayLimits { ClientIdleTimeout = TimeSpan.FromSeconds(1 + (i % 3)) },
                                Carrier = options.Carrier with { Certificate = TestCertificate.Relay },
                            });
                        }
                        catch (InvalidOperationException)
                        {
                            return;
                        }
                    }
                },
                Token);
            await relay.StopAsync(TimeSpan.FromSeconds(drainSeconds), Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
            await changing.WaitAsync(TimeSpan.FromSeconds(30), Token);
            Assert.Equal("0 open, 0 buffers, 0 loops", $"{relay.Ledger}");
        }
    }

    private static async Task<FrontClient> AskAsync(FrontWorld world)
    {
        var client = await FrontClient.ConnectAsync(world.Http);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        await client.ReadAnswerAsync();
        return client;
    }

    private static TokenKey NewKey() => TokenKey.FromSecret(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));

    private static string NewToken(TokenKey key, string name, params int[] ports) =>
        TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Domains = [name], Ports = ports } }, key, TimeProvider.System.GetUtcNow());

    private static Task<Tunnel> StartAsync(RelayServer relay, TokenKey key, string service, params int[] ports)
    {
        var parts = service.Split('=');
        return Tunnel.StartAsync(WorldOptions.Tunnels(WorldOptions.Links(relay.Listen[0]) with { Tokens = [NewToken(key, ports.Length == 0 ? "a.test" : "c.test", ports)] }, parts[0], parts[1]), cancellationToken: Token);
    }
}
