using MProxy.Engine.Health;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Health;

/// <summary>Who gets a client where services are not up, with words for links.</summary>
public class HealthRouteTests
{
    private static readonly FrameMeta Client = new() { Name = "a.example", Address = "192.0.2.1", ServicePort = 443, Service = "https" };

    [Fact]
    public void A_link_whose_service_is_not_up_is_no_candidate_and_spends_no_turn()
    {
        foreach (var state in new[] { ServiceState.Down, ServiceState.Draining })
        {
            var table = NewTable("one", "two", "three");
            Assert.Equal(["one", "two", "three"], Take(table, 3));
            table.Tell("two", Services(("a.example", state)));
            Assert.Equal(["one", "three", "one", "three"], Take(table, 4));
            Assert.DoesNotContain("two", table.Order(Client, _ => 0));
            Assert.DoesNotContain("two", table.Matches(Client));

            // It comes back into the turns where it left them, and does not catch up.
            table.Tell("two", Services(("a.example", ServiceState.Up)));
            Assert.Equal("two", Take(table, 1)[0]);
            Assert.Equal(2, Take(table, 6).Count(link => link == "two"));
        }
    }

    [Fact]
    public void Every_rule_of_balance_leaves_it_out()
    {
        foreach (var balance in Enum.GetValues<RelayBalance>())
        {
            var table = NewTable(balance, "one", "two", "three");
            var first = table.Order(Client, _ => 0)[0];
            table.Tell(first, Services(("*", ServiceState.Down)));
            Assert.Equal(2, table.Order(Client, _ => 0).Length);
            Assert.DoesNotContain(first, table.Order(Client, _ => 0));
        }
    }

    [Fact]
    public void Only_the_service_that_the_client_would_go_to_counts()
    {
        var table = NewTable("one");
        table.Tell("one", Services(("*", ServiceState.Down), ("b.a.example", ServiceState.Up), ("22", ServiceState.Down)));
        Assert.Empty(table.Order(Client, _ => 0));
        Assert.Equal(["one"], table.Order(Client with { Name = "b.a.example" }, _ => 0));

        // What the device has nothing for goes to it as ever: it says so itself.
        table.Tell("one", Services(("22", ServiceState.Down)));
        Assert.Equal(["one"], table.Order(Client, _ => 0));
        Assert.Empty(table.Order(Client with { ServicePort = 22 }, _ => 0));
    }

    [Fact]
    public void Where_no_closer_device_takes_the_client_the_next_closest_does()
    {
        var table = new RouteTable<string>(() => RelayBalance.RoundRobin, () => true);
        table.Add("exact", new Grant { Domains = ["a.example"] });
        table.Add("below", new Grant { Domains = ["*.example"] });
        Assert.Equal(["exact"], table.Order(Client, _ => 0));
        table.Tell("exact", Services(("*", ServiceState.Down)));
        Assert.Equal(["below"], table.Order(Client, _ => 0));
        table.Tell("below", Services(("*", ServiceState.Draining)));
        Assert.Empty(table.Order(Client, _ => 0));
        Assert.True(table.Covers(Client));
        Assert.False(table.Covers(Client with { Name = "other" }));
    }

    [Fact]
    public void What_a_link_said_goes_with_it()
    {
        var table = NewTable("one");
        table.Tell("one", Services(("*", ServiceState.Down)));
        table.Remove("one");
        table.Add("one", new Grant { Domains = ["a.example"] });
        Assert.Equal(["one"], table.Order(Client, _ => 0));
    }

    [Theory]
    [InlineData("A.Example.", "a.example", true)]
    [InlineData("a.example", "b.a.example", false)]
    [InlineData("a.example", null, false)]
    [InlineData("*.a.example", "b.a.example", true)]
    [InlineData("*.a.example", "c.b.a.example", true)]
    [InlineData("*.a.example", "a.example", false)]
    [InlineData("*.a.example", "xa.example", false)]
    [InlineData("bücher.example", "xn--bcher-kva.example", true)]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("localhost", "localhost", true)]
    [InlineData("443", "anything.example", true)]
    [InlineData("443", null, true)]
    [InlineData("0443", null, true)]
    [InlineData("80", "443", false)]
    public void A_drained_name_is_for_its_clients(string drained, string? name, bool isDrained)
    {
        var names = new DrainedNames();
        Assert.False(names.Contains(Client with { Name = name }));
        Assert.True(names.Add(drained));
        Assert.False(names.Add(drained.ToUpperInvariant()));
        Assert.Equal(isDrained, names.Contains(Client with { Name = name }));
        Assert.Single(names.All);
        Assert.True(names.Remove(drained));
        Assert.False(names.Remove(drained));
        Assert.False(names.Contains(Client with { Name = name }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("a..example")]
    [InlineData("*.1.2.3.4")]
    [InlineData("a b")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("a.example:80")]
    public void What_is_no_name_cannot_be_drained(string name)
    {
        var names = new DrainedNames();
        Assert.Equal($"'{name}' is no name, *.name or port.", Assert.Throws<ArgumentException>(() => names.Add(name)).Message);
        Assert.Throws<ArgumentException>(() => names.Remove(name));
    }

    private static string[] Take(RouteTable<string> table, int count) => [.. Enumerable.Range(0, count).Select(_ => table.Order(Client, _ => 0)[0])];

    private static RouteTable<string> NewTable(params string[] links) => NewTable(RelayBalance.RoundRobin, links);

    private static RouteTable<string> NewTable(RelayBalance balance, params string[] links)
    {
        var table = new RouteTable<string>(() => balance, () => true);
        Array.ForEach(links, link => table.Add(link, new Grant { Domains = ["a.example"] }));
        return table;
    }

    private static ServiceTable<AnnouncedService> Services(params (string Key, ServiceState State)[] states)
    {
        var table = new ServiceTable<AnnouncedService>();
        Assert.All(states, state => Assert.True(table.TryAdd(state.Key, new AnnouncedService(state.State))));
        return table;
    }
}
