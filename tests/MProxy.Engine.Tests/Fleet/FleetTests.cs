using System.Security.Cryptography;
using MProxy.Engine.Tests.Front;
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
}
