using MProxy.Engine.Device;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Routing;

/// <summary>What a relay's options make of its links, over links in memory.</summary>
public class LinkRegistryTests
{
    private static readonly FrameMeta Client = new() { Family = "IPv4", Address = "192.0.2.1", Port = 5, Service = "https", ServicePort = 443, Name = "b.a.example" };

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task A_granted_name_stands_for_what_is_below_it_unless_that_is_switched_off(bool exactNamesOnly, int count)
    {
        await using var world = NewWorld(options => options with { ExactNamesOnly = exactNamesOnly });
        await ConnectAsync(world, "a.example");
        Assert.Equal(count, world.Relay.Registry.Candidates(Client).Length);
        Assert.Single(world.Relay.Registry.Candidates(Client with { Name = "a.example" }));
        Assert.Empty(world.Relay.Registry.Candidates(Client with { Name = "c.example" }));
    }

    [Fact]
    public async Task A_closer_name_takes_the_clients_and_gives_them_back_when_it_goes()
    {
        await using var world = NewWorld();
        await ConnectAsync(world, "*.a.example");
        var general = Assert.Single(world.Relay.Registry.Links);
        Assert.Equal([general], world.Relay.Registry.Candidates(Client));
        var closer = await ConnectAsync(world, "b.a.example");
        Assert.Equal([world.Relay.Registry.Links[1]], world.Relay.Registry.Candidates(Client));
        Assert.True((await closer.SendControlAsync("delete_token", ["*"], MemoryWorld.Token)).Success);
        Assert.Equal([general], world.Relay.Registry.Candidates(Client));
    }

    [Fact]
    public async Task A_device_that_drains_comes_last()
    {
        await using var world = NewWorld();
        var first = await ConnectAsync(world, "a.example");
        await ConnectAsync(world, "a.example");
        var links = world.Relay.Registry.Links;
        Assert.True((await first.SendControlAsync("drain", [], MemoryWorld.Token)).Success);
        Assert.Equal([links[1], links[0]], world.Relay.Registry.Candidates(Client));
        Assert.Equal([links[1], links[0]], world.Relay.Registry.Candidates(Client));
    }

    [Theory]
    [InlineData(RelayBalance.RoundRobin, "1 0 1 0")]
    [InlineData(RelayBalance.LeastConnections, "1 1 1 1")]
    public async Task Clients_that_are_there_count_where_the_fewest_come_first(RelayBalance balance, string firsts)
    {
        await using var world = new MemoryWorld(options => options with { Balance = balance });
        var device = await world.ConnectLinkAsync();
        await world.ConnectLinkAsync();
        var port = world.Relay.TcpPort[0];
        var (client, _) = await MemoryWorld.ConnectAsync(device, port);
        using (client)
        {
            var links = world.Relay.Registry.Links;
            var order = Enumerable.Range(0, 4).Select(_ => Array.IndexOf(links, world.Relay.Registry.Candidates(new FrameMeta { ServicePort = port })[0]));
            Assert.Equal(firsts, string.Join(' ', order));
        }
    }

    [Fact]
    public async Task An_address_stays_with_its_device()
    {
        await using var world = NewWorld(options => options with { Balance = RelayBalance.ClientAddress });
        await ConnectAsync(world, "a.example");
        await ConnectAsync(world, "a.example");
        var firsts = Enumerable.Range(0, 64).Select(i => world.Relay.Registry.Candidates(Client with { Address = $"192.0.2.{i}" })[0]).ToArray();
        Assert.Equal(firsts, Enumerable.Range(0, 64).Select(i => world.Relay.Registry.Candidates(Client with { Address = $"192.0.2.{i}" })[0]));
        Assert.Equal(2, firsts.Distinct().Count());
    }

    private static MemoryWorld NewWorld(Func<RelayOptions, RelayOptions>? options = null) =>
        new(relay => (options ?? (same => same))(relay with { TcpPort = [], Keys = [MemoryWorld.Key] }));

    private static async Task<DeviceLink> ConnectAsync(MemoryWorld world, string domain)
    {
        var claims = new TokenClaims { Grant = new Grant { Domains = [domain] } };
        return await world.ConnectLinkAsync(TokenLibrary.Load().Create(claims, MemoryWorld.Key, world.Time.GetUtcNow()));
    }
}
