using System.Net;
using System.Text;
using MProxy.Engine.ProxyProtocol;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Routing;

namespace MProxy.Engine.Tests.Front;

/// <summary>A proxy in front says who the client is, and the service behind the device hears the same. Here the proxy is 127.0.0.1, and nobody else is.</summary>
public class TrustedProxyTests
{
    private const string Name = "d.test";
    private const string Request = $"GET / HTTP/1.1\r\nHost: {Name}\r\n\r\n";
    private const string Answer = $"{Name}: GET {Name} / 0\n";

    [Theory]
    [InlineData("V1", "192.0.2.7:1234", "V1")]
    [InlineData("V1", "192.0.2.7:1234", "V2")]
    [InlineData("V2", "192.0.2.7:1234", "V1")]
    [InlineData("V2", "[2001:db8::7]:65535", "V1")]
    [InlineData("V1", "[2001:db8::7]:1", "V2")]
    [InlineData("V2", "[::ffff:192.0.2.7]:1234", "V2")]
    public async Task The_service_sees_the_address_that_a_trusted_proxy_tells(string toRelay, string client, string toService)
    {
        await using var world = NewWorld();
        var (web, _) = await AddWebAsync(world, toService);
        var header = Header(toRelay, client);
        using var connection = await FrontClient.ConnectAsync(world.Http);
        await connection.SendAsync([.. header, .. Encoding.ASCII.GetBytes(Request)]);
        Assert.Equal(Answer, await connection.ReadAnswerAsync());
        var endpoint = IPEndPoint.Parse(client);
        var plain = new IPEndPoint(endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address, endpoint.Port);
        Assert.Equal([$"{toService} {plain}{(toService == "V2" ? $" {Name}" : "")}"], web.Clients);
    }

    [Fact]
    public async Task Silent_ones_of_one_address_behind_it_leave_room_to_others()
    {
        await using var world = NewWorld(new RelayLimits { MaxClientsPerAddress = 2 });
        await AddWebAsync(world, "V1");
        List<FrontClient> silent = [];
        for (var port = 1; port <= 5; port++)
        {
            silent.Add(await FrontClient.ConnectAsync(world.Http));
            await silent[^1].SendAsync(Header("V1", $"192.0.2.7:{port}"));
        }

        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("its address has as many clients as it may") == 3);
        using var other = await FrontClient.ConnectAsync(world.Http);
        await other.SendAsync([.. Header("V1", "192.0.2.8:1"), .. Encoding.ASCII.GetBytes(Request)]);
        Assert.Equal(Answer, await other.ReadAnswerAsync());
        silent.ForEach(one => one.Dispose());
        await Until.TrueAsync(() => world.Relay.Admission.Arrivals.Count == 0);
    }

    [Theory]
    [InlineData("V1", "Http")]
    [InlineData("V2", "Http")]
    [InlineData("V1", "Mixed")]
    [InlineData("V2", "Tls")]
    [InlineData("V1", "Tcp")]
    [InlineData("V2", "Tcp")]
    [InlineData("V2", "Mixed")]
    public async Task A_header_may_come_byte_by_byte_and_along_with_what_follows(string version, string port)
    {
        await using var world = NewWorld();
        var service = world.AddService(async local =>
        {
            var header = await NamedWeb.ReadHeaderAsync(local);
            Assert.Equal("192.0.2.7", $"{header.Source?.Address}");
            await LocalService.EchoAsync(local);
        });
        await world.AddDeviceAsync(service.Target, [Name], [world.Tcp], options => options with { ProxyProtocol = ProxyProtocolVersion.V2 });
        byte[] words = port switch
        {
            "Tls" => HelloBuilder.Hello(HelloBuilder.NameExtension(Name)),
            "Tcp" => "hello"u8.ToArray(),
            _ => Encoding.ASCII.GetBytes(Request),
        };
        foreach (var (drip, clientPort) in new[] { (false, 1), (true, 2) })
        {
            byte[] all = [.. Header(version, $"192.0.2.7:{clientPort}"), .. words];
            using var client = await FrontClient.ConnectAsync(world.PortOf(port));
            await (drip ? client.DripAsync(all) : client.SendAsync(all));
            Assert.Equal(words, await client.ReadAsync(words.Length));
        }

        Assert.Equal(2, service.ClientCount);
        Assert.Equal(0, world.Relay.RefusedCount);
    }

    [Theory]
    [InlineData("V1")]
    [InlineData("V2")]
    public async Task A_proxy_that_speaks_for_itself_is_the_client(string version)
    {
        await using var world = NewWorld();
        var (web, _) = await AddWebAsync(world, "V1");
        using var connection = await FrontClient.ConnectAsync(world.Http);
        await connection.SendAsync([.. ProxyHeaderWriter.Write(Enum.Parse<ProxyProtocolVersion>(version), null, null), .. Encoding.ASCII.GetBytes(Request)]);
        Assert.Equal(Answer, await connection.ReadAnswerAsync());
        Assert.Equal([$"V1 {connection.EndPoint}"], web.Clients);
    }

    [Theory]
    [InlineData("V1", "Http", "HTTP/1.1 400 ")]
    [InlineData("V2", "Http", "HTTP/1.1 400 ")]
    [InlineData("V1", "Tls", "HTTP/1.1 400 ")]
    [InlineData("V2", "Tls", "\x15\x03\x01\0\x02\x02\x32")]
    public async Task Who_is_no_proxy_is_not_believed(string version, string port, string answer)
    {
        await using var world = NewWorld();
        var (web, service) = await AddWebAsync(world, "V1");
        using var liar = await FrontClient.ConnectAsync(world.PortOf(port), "127.0.0.9");
        await liar.SendAsync([.. Header(version, "192.0.2.7:1234"), .. Encoding.ASCII.GetBytes(Request)]);
        Assert.StartsWith(answer, await liar.ReadAllAsync(), StringComparison.Ordinal);
        Assert.Equal(1, world.Relay.RefusedCount);
        Assert.Equal(0, service.ClientCount);

        // It needs none either: its own address is what counts.
        using var honest = await FrontClient.ConnectAsync(world.Http, "127.0.0.9");
        await honest.SendAsync(Request);
        Assert.Equal(Answer, await honest.ReadAnswerAsync());
        Assert.Equal([$"V1 {honest.EndPoint}"], web.Clients);
    }

    [Fact]
    public async Task On_a_port_of_raw_TCP_the_header_of_a_stranger_is_just_bytes()
    {
        await using var world = NewWorld();
        var service = world.AddService(LocalService.EchoAsync);
        await world.AddDeviceAsync(service.Target, [], [world.Tcp, world.Mixed]);
        var header = Header("V1", "192.0.2.7:1234");
        using var raw = await FrontClient.ConnectAsync(world.Tcp, "127.0.0.9");
        await raw.SendAsync(header);
        Assert.Equal(header, await raw.ReadAsync(header.Length));
        var binary = Header("V2", "192.0.2.7:1234");
        using var mixed = await FrontClient.ConnectAsync(world.Mixed, "127.0.0.9");
        await mixed.SendAsync(binary);
        Assert.Equal(binary, await mixed.ReadAsync(binary.Length));
    }

    [Theory]
    [InlineData("Tcp", "hello")]
    [InlineData("Http", Request)]
    [InlineData("Mixed", Request)]
    [InlineData("Http", "PROXY TCP4 192.0.2.7 192.0.2.1 1 99999\r\n" + Request)]
    [InlineData("Tcp", "PROXY TCP4 192.0.2.7\r\n")]
    [InlineData("Tls", "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0")]
    public async Task A_proxy_without_a_valid_header_is_reset(string port, string words)
    {
        await using var world = NewWorld();
        var web = new NamedWeb(Name);
        var service = world.AddService(web.ServeAsync);
        await world.AddDeviceAsync(service.Target, [Name], [world.Tcp]);
        using var client = await FrontClient.ConnectAsync(world.PortOf(port));
        await client.SendAsync(words);
        await client.IsResetAsync();
        Assert.Equal(1, world.Relay.RefusedCount);
        Assert.Equal(0, service.ClientCount);
    }

    [Fact]
    public async Task A_proxy_whose_client_is_silent_is_brought_to_a_service_that_speaks_first()
    {
        await using var world = NewWorld();
        var service = world.AddService(async local =>
        {
            Assert.Equal("192.0.2.7:1234", $"{(await NamedWeb.ReadHeaderAsync(local)).Source}");
            await LocalService.SendAllAsync(local, "220 hello\r\n"u8.ToArray(), 11);
        });
        await world.AddDeviceAsync(service.Target, [], [world.Tcp, world.Mixed], options => options with { ProxyProtocol = ProxyProtocolVersion.V1 });
        foreach (var port in new[] { world.Tcp, world.Mixed })
        {
            using var client = await FrontClient.ConnectAsync(port);
            await client.SendAsync(Header("V2", "192.0.2.7:1234"));
            Assert.Equal("220 hello\r\n", await client.ReadAllAsync());
        }
    }

    [Fact]
    public async Task Two_clients_that_a_proxy_tells_alike_cannot_both_be_served()
    {
        await using var world = NewWorld();
        await AddWebAsync(world, "V1");
        using var first = await FrontClient.ConnectAsync(world.Http);
        await first.SendAsync([.. Header("V1", "192.0.2.7:1234"), .. Encoding.ASCII.GetBytes(Request)]);
        Assert.Equal(Answer, await first.ReadAnswerAsync());
        var second = await FrontClient.AskAsync(world.Http, Encoding.Latin1.GetString(Header("V1", "192.0.2.7:1234")) + Request);
        Assert.StartsWith("HTTP/1.1 503 ", second, StringComparison.Ordinal);
        Assert.Equal((1, 1), (world.Relay.RefusedCount, world.Relay.DuplicateCount));
        Assert.Equal("IPv4,192.0.2.7,1234", (await world.Events.NextAsync(EventKind.ClientRefused)).SocketId);

        // The first is none the worse for it.
        await first.SendAsync(Request);
        Assert.Equal(Answer, await first.ReadAnswerAsync());
    }

    private static FrontWorld NewWorld(RelayLimits? limits = null) =>
        new(options => options with { TrustedProxy = [IPNetwork.Parse("127.0.0.1/32")], Limits = limits ?? options.Limits });

    private static Task<(NamedWeb Web, FrontService Service)> AddWebAsync(FrontWorld world, string version) =>
        world.AddWebAsync(Name, options => options with { ProxyProtocol = Enum.Parse<ProxyProtocolVersion>(version) });

    private static byte[] Header(string version, string client)
    {
        var source = IPEndPoint.Parse(client);
        var destination = source.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "198.51.100.1:443" : "[2001:db8::1]:443";
        return ProxyHeaderWriter.Write(Enum.Parse<ProxyProtocolVersion>(version), source, IPEndPoint.Parse(destination));
    }
}
