using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Tests.Carriers;

namespace MProxy.Engine.Tests;

/// <summary>The kinds of local services that a tunnel dials, and from where.</summary>
public class LocalDialTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_clients_of_a_socket_file_get_their_own_bytes_back_whole()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { LocalService = () => UnixSocket.Listen(CarrierWorld.NewSocketPath()) });
        Assert.StartsWith("tcp=unix:///", world.Tunnel.Service[0], StringComparison.Ordinal);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async seed =>
        {
            var random = new Random(seed);
            var sent = new byte[random.Next(0, 300_000)];
            random.NextBytes(sent);
            Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await world.ExchangeAsync(sent, random.Next(1, 70_000))));
        }));

        // At its end the world asserts that sockets, buffers and loops are gone on both sides.
        await world.StopAsync();
    }

    [Fact]
    public async Task A_client_of_a_socket_file_that_has_sent_all_still_gets_the_whole_answer()
    {
        var answer = RandomNumberGenerator.GetBytes(3_000_000);
        await using var world = await World.StartAsync(
            async local =>
            {
                Assert.Equal([1, 2, 3], await LocalService.ReadAllAsync(local));
                await LocalService.SendAllAsync(local, answer, answer.Length);
            },
            new WorldOptions { LocalService = () => UnixSocket.Listen(CarrierWorld.NewSocketPath()) });
        Assert.Equal(SHA256.HashData(answer), SHA256.HashData(await world.ExchangeAsync([1, 2, 3], 1)));
    }

    [Fact]
    public async Task A_socket_file_that_is_not_there_ends_its_client_alone()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync);
        await world.Tunnel.DisposeAsync();
        await using var tunnel = await world.StartTunnelAsync($"unix:{CarrierWorld.NewSocketPath()}");
        await Assert.ThrowsAsync<SocketException>(() => world.ExchangeAsync([1], 1));
        Assert.Equal(LinkState.Connected, tunnel.State);
    }

    [Fact]
    public async Task Where_the_queue_of_a_socket_file_is_full_a_client_waits_for_a_place()
    {
        var path = CarrierWorld.NewSocketPath();
        using var service = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        service.Bind(new UnixDomainSocketEndPoint(path));
        service.Listen(1);
        var connector = new LocalConnector(null, TimeProvider.System);
        var clients = Enumerable.Range(0, 20).Select(_ => connector.ConnectAsync(LocalTarget.Parse($"unix:{path}"), Token)).ToList();
        foreach (var _ in clients)
        {
            using var accepted = await service.AcceptAsync(Token);
        }

        foreach (var client in await Task.WhenAll(clients))
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task A_service_on_IPv6()
    {
        await using var world = await World.StartAsync(LocalService.EchoAsync, new WorldOptions { LocalService = () => TcpSocket.Listen(new IPEndPoint(IPAddress.IPv6Loopback, 0)) });
        Assert.StartsWith("[::1]:", world.Target, StringComparison.Ordinal);
        Assert.Equal([7], await world.ExchangeAsync([7], 1));
    }

    [Theory]
    [InlineData("127.0.0.1", null, "127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.0.2", "127.0.0.2")]
    [InlineData("127.0.0.1", "::ffff:127.0.0.2", "127.0.0.2")]
    [InlineData("127.0.0.1", "0.0.0.0", "127.0.0.1")]
    [InlineData("::1", "::1", "::1")]
    public async Task A_service_sees_the_source_address(string listen, string? source, string seen)
    {
        await using var world = await World.StartAsync(
            local => LocalService.SendAllAsync(local, Encoding.ASCII.GetBytes($"{((IPEndPoint)local.RemoteEndPoint!).Address}"), 100),
            new WorldOptions
            {
                LocalService = () => TcpSocket.Listen(new IPEndPoint(IPAddress.Parse(listen), 0)),
                Tunnel = options => options with { SourceAddress = source is null ? null : IPAddress.Parse(source) },
            });
        Assert.Equal(seen, Encoding.ASCII.GetString(await world.ExchangeAsync([], 1)));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task From_a_source_address_only_addresses_of_its_family_are_tried(string host)
    {
        using var service = TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)service.LocalEndPoint!).Port;
        using var client = await TcpSocket.ConnectFromAsync(IPAddress.Parse("127.0.0.3"), host, port, Token);
        Assert.Equal(IPAddress.Parse("127.0.0.3"), ((IPEndPoint)client.LocalEndPoint!).Address);
        Assert.True(client.NoDelay);
        var error = await Assert.ThrowsAsync<SocketException>(() => TcpSocket.ConnectFromAsync(IPAddress.IPv6Loopback, "127.0.0.1", port, Token));
        Assert.Equal(SocketError.AddressFamilyNotSupported, error.SocketErrorCode);
    }

    [Theory]
    [InlineData("127.0.0.1", "[::1]:80", "[::1]:80 is of the other family: one is IPv4, the other IPv6")]
    [InlineData("::1", "127.0.0.1:80", "127.0.0.1:80 is of the other family")]
    [InlineData("192.0.2.1", "localhost:80", "is 192.0.2.1, which is no address of this machine")]
    [InlineData("2001:db8::1", "localhost:80", "which is no address of this machine")]
    [InlineData("127.0.0.1", "unix:/run/service.sock", "is for services with a host and a port")]
    public async Task A_source_address_that_cannot_serve_is_told_at_the_start(string source, string target, string told)
    {
        var options = WorldOptions.Tunnels(1, "tcp", target) with { SourceAddress = IPAddress.Parse(source) };
        var error = await Assert.ThrowsAsync<ArgumentException>(() => Tunnel.StartAsync(options, cancellationToken: Token));
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
    }
}
