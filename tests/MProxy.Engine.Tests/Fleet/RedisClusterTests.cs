using System.Globalization;
using MProxy.Engine.Device;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>A directory that is spread over several servers.</summary>
public sealed class RedisClusterTests
{
    private const int Names = 12;

    [Fact]
    public async Task A_fleet_on_a_cluster_finds_everybody_and_does_without_a_part_of_it_for_a_while()
    {
        await using var redis = await RedisCluster.StartAsync();
        await using var world = new FleetWorld(redis.Uri);
        var (here, there, third) = (await world.AddRelayAsync("r1"), await world.AddRelayAsync("r2"), await world.AddRelayAsync("r3"));
        await world.SettledAsync();
        var names = Enumerable.Range(0, Names).Select(i => $"app{i}.example.com").ToArray();
        List<Tunnel> devices = [];
        foreach (var name in names)
        {
            devices.Add((await world.AddWebAsync(name, there)).Device);
        }

        await AllServedAsync();
        foreach (var server in redis.Servers)
        {
            Assert.True(int.Parse(await server.AskAsync("dbsize"), CultureInfo.InvariantCulture) > 0, "One server has nothing.");
        }

        // Whoever has asked hears of those that move, of whatever server they are.
        foreach (var (device, name) in devices.Zip(names))
        {
            await device.StopAsync(cancellationToken: FleetWorld.Token);
            await world.AddWebAsync(name, third);
        }

        await AllServedAsync();
        for (var lost = 0; lost < redis.Servers.Count; lost++)
        {
            // What is known is served, and what is new is found when the server is back, with nothing in it.
            await redis.Servers[lost].KillAsync();
            await AllServedAsync();
            await world.AddWebAsync($"new{lost}.example.com", there);
            await redis.Servers[lost].StartAgainAsync();
            await redis.IsWholeAsync();
            await FleetWorld.ServesAsync(here, $"new{lost}.example.com");
            await world.SettledAsync();
        }

        Task AllServedAsync() => Task.WhenAll(names.Select(name => FleetWorld.ServesAsync(here, name)));
    }
}
