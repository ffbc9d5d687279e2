using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Routing;

/// <summary>Clients that stay with their device by their address.</summary>
public class ClientAddressTests
{
    private static readonly string[] Addresses = [.. Enumerable.Range(0, 1000).Select(i => $"192.0.{i / 250}.{i % 250}")];

    [Fact]
    public void An_address_stays_with_its_device()
    {
        var table = NewTable("a", "b", "c");
        var before = Places(table);
        Assert.Equal(before, Places(table));

        // The same after a restart, in whatever order the devices come.
        Assert.Equal(before, Places(NewTable("c", "a", "b")));
        foreach (var device in new[] { "a", "b", "c" })
        {
            Assert.InRange(before.Count(place => place == device), 250, 420);
        }
    }

    [Fact]
    public void When_a_device_goes_only_its_own_addresses_move_and_come_back_with_it()
    {
        var table = NewTable("a", "b", "c");
        var before = Places(table);
        var second = Addresses.Select(address => table.Order(Client(address), _ => 0)[1]).ToArray();
        table.Remove("b");
        Assert.Equal(before.Zip(second, (first, next) => first == "b" ? next : first), Places(table));
        table.Add("b", GrantOf("b"));
        Assert.Equal(before, Places(table));
    }

    [Fact]
    public void A_new_device_takes_its_share_and_moves_nobody_else()
    {
        var table = NewTable("a", "b", "c");
        var before = Places(table);
        table.Add("d", GrantOf("d"));
        var after = Places(table);
        Assert.All(before.Zip(after), places => Assert.True(places.First == places.Second || places.Second == "d"));
        Assert.InRange(after.Count(place => place == "d"), 170, 330);
    }

    [Fact]
    public void Devices_without_an_identity_have_a_share_each()
    {
        var table = new RouteTable<string>(() => RelayBalance.ClientAddress, () => true);
        table.Add("a", new Grant { Domains = ["a.example"] });
        table.Add("b", new Grant { Domains = ["a.example"] });
        Assert.InRange(Places(table).Count(place => place == "a"), 400, 600);
        Assert.Equal(Places(table), Places(table));
    }

    private static string[] Places(RouteTable<string> table) => [.. Addresses.Select(address => table.Order(Client(address), _ => 0)[0])];

    private static RouteTable<string> NewTable(params string[] devices)
    {
        var table = new RouteTable<string>(() => RelayBalance.ClientAddress, () => true);
        Array.ForEach(devices, device => table.Add(device, GrantOf(device)));
        return table;
    }

    private static Grant GrantOf(string device) => new() { Id = device, Domains = ["a.example"] };

    private static FrameMeta Client(string address) => new() { Address = address, Name = "a.example" };
}
