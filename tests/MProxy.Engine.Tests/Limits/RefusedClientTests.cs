using System.Net;
using System.Net.Sockets;
using System.Text;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Limits;

/// <summary>A client that a limit keeps out is told so in its own protocol, and counted by the limit; those who are in notice nothing, and when they leave there is room.</summary>
public class RefusedClientTests
{
    private const string Name = "d.test";
    private const string Request = $"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n";
    private const string InAll = "the relay has as many clients as it may";
    private const string OfDevice = "its devices have as many clients as they may";
    private const string OfAddress = "its address has as many clients as it may";
    private const string Pace = "new clients come faster than they may";
    private const string PaceOfAddress = "new clients of its address come faster than they may";
    private const string Denied = "its address may not come";
    private const string Waiting = "too many clients came at once";
    private const string Busy = "There are too many clients now.\n";

    private static readonly string Page =
        $"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {Busy.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{Busy}";

    /// <summary>The relay's clock stands still, so that no rate recovers unless a test says so.</summary>
    private readonly ManualTime _time = new();

    public static TheoryData<string, string> Limits()
    {
        var data = new TheoryData<string, string>();
        foreach (var reason in new[] { InAll, OfDevice, OfAddress, Pace, PaceOfAddress })
        {
            foreach (var port in new[] { "Http", "Tls", "Tcp", "Mixed" })
            {
                data.Add(reason, port);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task It_is_told_and_counted_and_the_others_go_on(string reason, string port)
    {
        await using var world = await StartAsync(For(reason));
        using var one = await EnterAsync(world, port);
        using var other = await EnterAsync(world, port);
        for (var i = 0; i < 5; i++)
        {
            await IsRefusedAsync(world, port, reason, i + 1);
        }

        await EchoAsync(one);
        await EchoAsync(other);
        Assert.Equal((2, 2), (world.Relay.ClientCount, world.Relay.Admission.Count));

        // There is room when one leaves, or when time has passed.
        one.Dispose();
        await world.Relay.Admission.HasAsync(1);
        if (reason is Pace or PaceOfAddress)
        {
            await IsRefusedAsync(world, port, reason, 6);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        using var next = await EnterAsync(world, port);
        await EchoAsync(other);
    }

    [Theory]
    [InlineData(OfAddress)]
    [InlineData(PaceOfAddress)]
    public async Task Other_addresses_have_their_own(string reason)
    {
        await using var world = await StartAsync(For(reason));
        List<FrontClient> clients = [];
        foreach (var address in new[] { "127.0.0.1", "127.0.0.2", "127.0.0.3" })
        {
            clients.Add(await EnterAsync(world, "Tcp", address));
            clients.Add(await EnterAsync(world, "Http", address));
            await IsRefusedAsync(world, "Tcp", reason, clients.Count - 1, address);
            await IsRefusedAsync(world, "Http", reason, clients.Count, address);
        }

        foreach (var client in clients)
        {
            await EchoAsync(client);
            client.Dispose();
        }
    }

    [Fact]
    public async Task Where_one_device_has_as_many_as_it_may_the_next_gets_the_client()
    {
        await using var world = await StartAsync(new RelayLimits { MaxClientsPerDevice = 2 });
        var second = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(second.Target, [Name]);
        List<FrontClient> clients = [];
        for (var i = 0; i < 4; i++)
        {
            clients.Add(await EnterAsync(world, "Http"));
        }

        Assert.Equal(2, second.ClientCount);
        await IsRefusedAsync(world, "Http", OfDevice, 1);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task However_many_come_at_once_no_more_than_may_are_in()
    {
        await using var world = await StartAsync(new RelayLimits { MaxClientsPerDevice = 7, MaxClients = 50 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            var client = await FrontClient.ConnectAsync(world.Http);
            await client.SendAsync(Request);
            return (Client: client, Start: await client.ReadTextAsync(5));
        }));
        Assert.Equal(7, answers.Count(answer => answer.Start == Request[..5]));
        Assert.Equal(93, answers.Count(answer => answer.Start == Page[..5]));
        Assert.Equal(93, world.Relay.RefusedCount);
        Assert.Equal(7, world.Relay.ClientCount);
        Array.ForEach(answers, answer => answer.Client.Dispose());
    }

    [Theory]
    [InlineData("Http")]
    [InlineData("Tls")]
    [InlineData("Tcp")]
    [InlineData("Mixed")]
    public async Task Whose_address_may_not_come_is_reset_before_it_says_a_word(string port)
    {
        await using var world = await StartAsync(new RelayLimits { DeniedClients = [IPNetwork.Parse("127.0.2.0/24")], AllowedClients = [IPNetwork.Parse("127.0.0.0/22")] });
        foreach (var (address, count) in new[] { ("127.0.2.7", 1), ("127.0.9.1", 2) })
        {
            await IsResetAsync(world.PortOf(port), address);
            Assert.Equal(count, world.Relay.RefusedBy[Denied]);
        }

        using var allowed = await EnterAsync(world, port, "127.0.1.1");
        Assert.Equal(2, world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("Http")]
    [InlineData("Tls")]
    [InlineData("Tcp")]
    public async Task Behind_a_proxy_it_is_the_clients_address_that_may_not_come(string port)
    {
        await using var world = await StartAsync(
            new RelayLimits { DeniedClients = [IPNetwork.Parse("192.0.2.0/24")], AllowedClients = [IPNetwork.Parse("192.0.0.0/16")] },
            options => options with { TrustedProxy = [IPNetwork.Parse("127.0.0.1/32")] });
        using var denied = await FrontClient.ConnectAsync(world.PortOf(port));
        await denied.SendAsync([.. "PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\n"u8, .. Words(port)]);
        await denied.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedBy[Denied]);
        using var allowed = await FrontClient.ConnectAsync(world.PortOf(port));
        await allowed.SendAsync([.. "PROXY TCP4 192.0.3.7 192.0.2.1 1234 80\r\n"u8, .. Words(port)]);
        Assert.Equal(Words(port), await allowed.ReadAsync(Words(port).Length));
    }

    [Fact]
    public async Task Behind_a_proxy_each_client_counts_by_its_own_address_and_the_proxy_by_none()
    {
        await using var world = await StartAsync(
            new RelayLimits { MaxClientsPerAddress = 1, MaxNewClientsPerAddress = 1 }, options => options with { TrustedProxy = [IPNetwork.Parse("127.0.0.1/32")] });
        List<FrontClient> clients = [];
        for (var i = 0; i < 5; i++)
        {
            clients.Add(await FrontClient.ConnectAsync(world.Tcp));
            await clients[i].SendAsync($"PROXY TCP4 192.0.2.{i} 192.0.2.1 1234 80\r\nhello");
            Assert.Equal("hello", await clients[i].ReadTextAsync(5));
        }

        Assert.Equal(0, world.Relay.RefusedCount);
        using var second = await FrontClient.ConnectAsync(world.Tcp);
        await second.SendAsync("PROXY TCP4 192.0.2.0 192.0.2.1 4321 80\r\nhello");
        await second.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedBy[OfAddress]);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Silent_ones_of_one_address_leave_room_for_others_to_say_what_they_are_for()
    {
        await using var world = await StartAsync(new RelayLimits { MaxArrivals = 5, MaxClientsPerAddress = 3 });
        List<FrontClient> silent = [];
        for (var i = 0; i < 3; i++)
        {
            silent.Add(await FrontClient.ConnectAsync(world.Http, "127.0.0.9"));
        }

        await Until.TrueAsync(() => world.Relay.Admission.Arrivals.Count == 3);
        await IsResetAsync(world.Http, "127.0.0.9");
        Assert.Equal(1, world.Relay.RefusedBy[OfAddress]);
        using var other = await EnterAsync(world, "Http");
        await Until.TrueAsync(() => world.Relay.Admission.Arrivals.Count == 3);
        silent.Add(await FrontClient.ConnectAsync(world.Http, "127.0.0.8"));
        silent.Add(await FrontClient.ConnectAsync(world.Http, "127.0.0.8"));
        await Until.TrueAsync(() => world.Relay.Admission.Arrivals.Count == 5);

        // Where all places are taken, the oldest of the address that has most of them has to go.
        using var late = await EnterAsync(world, "Http", "127.0.0.1");
        await silent[0].IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedBy[Waiting]);
        silent.ForEach(client => client.Dispose());
        await Until.TrueAsync(() => world.Relay.Admission.Arrivals.Count == 0);
        await EchoAsync(other);
        using var last = await EnterAsync(world, "Http", "127.0.0.9");
    }

    [Fact]
    public async Task A_limit_may_change_while_the_relay_runs()
    {
        await using var world = await StartAsync(new RelayLimits { MaxClients = 1 });
        using var one = await EnterAsync(world, "Http");
        await IsRefusedAsync(world, "Http", InAll, 1);
        world.Relay.Settings.Current = world.Relay.Settings.Current with { Limits = new RelayLimits { MaxClients = 2 } };
        using var two = await EnterAsync(world, "Http");
        await IsRefusedAsync(world, "Http", InAll, 2);
        world.Relay.Settings.Current = world.Relay.Settings.Current with { Limits = new RelayLimits { MaxClients = 1 } };
        await EchoAsync(one);
        await EchoAsync(two);
        await IsRefusedAsync(world, "Http", InAll, 3);
    }

    [Fact]
    public async Task One_that_no_device_serves_takes_no_room()
    {
        await using var world = await StartAsync(new RelayLimits { MaxClients = 1 });
        for (var i = 0; i < 20; i++)
        {
            Assert.StartsWith("HTTP/1.1 502 ", await FrontClient.AskAsync(world.Http, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"), StringComparison.Ordinal);
        }

        Assert.Equal(0, world.Relay.Admission.Count);
        using var client = await EnterAsync(world, "Http");
    }

    private static RelayLimits For(string reason) => reason switch
    {
        InAll => new() { MaxClients = 2 },
        OfDevice => new() { MaxClientsPerDevice = 2 },
        OfAddress => new() { MaxClientsPerAddress = 2 },
        Pace => new() { MaxNewClientsPerSecond = 1 },
        _ => new() { MaxNewClientsPerAddress = 1 },
    };

    /// <summary>What a client of a port says first: of the mixed one, what it says is a TLS client's too.</summary>
    private static byte[] Words(string port) => port switch
    {
        "Http" => Encoding.ASCII.GetBytes(Request),
        "Tcp" => "hello"u8.ToArray(),
        _ => HelloBuilder.Hello(HelloBuilder.NameExtension(Name)),
    };

    /// <summary>A client whose device has answered.</summary>
    private static async Task<FrontClient> EnterAsync(FrontWorld world, string port, string from = "127.0.0.1")
    {
        var client = await FrontClient.ConnectAsync(world.PortOf(port), from);
        await client.SendAsync(Words(port));
        Assert.Equal(Words(port), await client.ReadAsync(Words(port).Length));
        return client;
    }

    private static async Task EchoAsync(FrontClient client)
    {
        // To whoever follows its requests, a request.
        var words = Encoding.ASCII.GetBytes(Request);
        await client.SendAsync(words);
        Assert.Equal(words, await client.ReadAsync(words.Length));
    }

    private static async Task IsRefusedAsync(FrontWorld world, string port, string reason, int count, string from = "127.0.0.1")
    {
        switch (port)
        {
            case "Http":
                Assert.Equal(Page, await FrontClient.AskAsync(world.PortOf(port), Request, from));
                break;
            case "Tcp":
                await IsResetAsync(world.PortOf(port), from);
                break;
            default:
                Assert.Equal("\x15\x03\x01\0\x02\x02\x50", await FrontClient.AskAsync(world.PortOf(port), Encoding.Latin1.GetString(Words(port)), from));
                break;
        }

        Assert.Equal((count, count), (world.Relay.RefusedBy[reason], world.Relay.RefusedCount));
    }

    /// <summary>Before or after it knows that it was accepted.</summary>
    private static async Task IsResetAsync(int port, string from)
    {
        var error = await Assert.ThrowsAsync<SocketException>(() => FrontClient.AskAsync(port, "", from));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    /// <summary>One device, which serves the name and the ports of raw TCP with an echo.</summary>
    private async Task<FrontWorld> StartAsync(RelayLimits limits, Func<RelayOptions, RelayOptions>? options = null)
    {
        var world = new FrontWorld(usual => (options?.Invoke(usual) ?? usual) with { Limits = limits }, _time);
        var service = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(service.Target, [Name], [world.Tcp]);
        return world;
    }
}
