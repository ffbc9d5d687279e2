using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Routing;

/// <summary>Who gets a client, with words for links.</summary>
public class RouteTableTests
{
    [Theory]
    [InlineData("a.example", "exact")]
    [InlineData("b.a.example", "a-wildcard exact")]
    [InlineData("c.b.a.example", "b-wildcard")]
    [InlineData("b.example", "all both")]
    [InlineData("example", "both")]
    [InlineData("other", "")]
    [InlineData("not a name.example", "")]
    public void Only_those_who_name_a_client_most_closely_get_it(string name, string expected)
    {
        var table = NewTable();
        Add(table, "all", "*.example");
        Add(table, "exact", "a.example");
        Add(table, "a-wildcard", "*.a.example");
        Add(table, "b-wildcard", "*.b.a.example");
        Add(table, "both", "example", "*.example");
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), table.Order(Named(name), _ => 0).Order());
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), table.Matches(Named(name)).Order());
    }

    [Fact]
    public void A_name_stands_for_itself_alone_where_that_is_wanted()
    {
        var table = NewTable(nameCoversSubdomains: false);
        Add(table, "name", "a.example");
        Add(table, "all", "*.example");
        Assert.Equal(["all"], table.Order(Named("b.a.example"), _ => 0));
        Assert.Equal(["name"], table.Order(Named("a.example"), _ => 0));
    }

    [Fact]
    public void A_port_comes_before_everything()
    {
        var table = NewTable();
        table.Add("everything", new Grant { IsUnrestricted = true, Ports = [21] });
        table.Add("port", new Grant { Ports = [22, 23] });
        table.Add("other", new Grant { Ports = [24] });
        Assert.Equal(["port"], table.Order(new FrameMeta { ServicePort = 22 }, _ => 0));
        Assert.Equal(["everything"], table.Order(new FrameMeta { ServicePort = 21 }, _ => 0));
        Assert.Equal(["everything"], table.Order(new FrameMeta { ServicePort = 25 }, _ => 0));
        Assert.Equal(["everything"], table.Order(Named("a.example") with { ServicePort = 22 }, _ => 0));
    }

    [Fact]
    public void A_link_with_several_grants_is_there_once()
    {
        var table = NewTable();
        Add(table, "one", "a.example");
        Add(table, "one", "a.example", "b.example");
        Add(table, "two", "a.example");
        Assert.Equal(["one", "two"], table.Order(Named("a.example"), _ => 0));
    }

    [Fact]
    public void Turns_are_fair_for_every_name_however_names_alternate()
    {
        var table = NewTable();
        foreach (var link in new[] { "one", "two" })
        {
            table.Add(link, new Grant { Domains = ["a.example", "b.example"], Ports = [22, 23] });
        }

        // One counter over all of these would give every second client, and so each kind of them, to the same device.
        FrameMeta[] clients = [Named("a.example"), Named("b.example"), Named("x.a.example"), Named("x.b.example"), Port(22), Port(23)];
        var given = clients.Select(_ => new List<string>()).ToArray();
        for (var round = 0; round < 10; round++)
        {
            for (var kind = 0; kind < clients.Length; kind++)
            {
                given[kind].Add(table.Order(clients[kind], _ => 0)[0]);
            }
        }

        Assert.All(given, turns => Assert.Equal(Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? "one" : "two"), turns));
    }

    [Fact]
    public void A_device_that_joins_gets_no_more_than_its_turn()
    {
        var table = NewTable();
        Add(table, "one", "a.example");
        Add(table, "two", "a.example");
        Take(table, 5);
        Add(table, "three", "a.example");
        Assert.Equal(["three", "two", "one", "three", "two", "one"], Take(table, 6));
        table.Remove("two");
        Assert.Equal(["three", "one", "three", "one"], Take(table, 4));
    }

    [Fact]
    public void A_draining_device_is_last_and_its_turns_are_shared()
    {
        foreach (var balance in Enum.GetValues<RelayBalance>())
        {
            var table = NewTable(balance);
            foreach (var link in new[] { "one", "two", "three" })
            {
                Add(table, link, "a.example");
            }

            var first = table.Order(Named("a.example"), _ => 0)[0];
            table.Drain(first);
            Assert.Equal(first, table.Order(Named("a.example"), _ => 0)[2]);
            Assert.DoesNotContain(first, Take(table, 9));
        }

        var fair = NewTable();
        foreach (var link in new[] { "one", "two", "three" })
        {
            Add(fair, link, "a.example");
        }

        fair.Drain("one");
        Assert.Equal(["two", "three", "two", "three", "two", "three"], Take(fair, 6));
    }

    [Fact]
    public void Names_that_clients_make_up_are_not_remembered()
    {
        var table = NewTable();
        Add(table, "one", "a.example", "*.b.example");
        table.Add("two", new Grant { IsUnrestricted = true });
        for (var i = 0; i < 1000; i++)
        {
            foreach (var name in new[] { $"x{i}.a.example", $"x{i}.b.example", $"x{i}.example", $"x {i}", "a.example", "" })
            {
                Assert.NotEmpty(table.Order(Named(name) with { ServicePort = i }, _ => 0));
            }
        }

        // Of the first: its name, what is below it, and what is below the other. Of the second: everything.
        Assert.Equal(4, table.TurnCount);
        table.Remove("one");
        Assert.Equal(1, table.TurnCount);
    }

    [Fact]
    public void The_fewest_clients_come_first_and_turns_decide_among_equals()
    {
        var table = NewTable(RelayBalance.LeastConnections);
        var load = new Dictionary<string, int> { ["one"] = 5, ["two"] = 1, ["three"] = 1 };
        foreach (var link in load.Keys)
        {
            Add(table, link, "a.example");
        }

        Assert.Equal(["two", "three", "one"], table.Order(Named("a.example"), link => load[link]));
        Assert.Equal(["three", "two", "one"], table.Order(Named("a.example"), link => load[link]));
        Assert.Equal(["two", "three", "one"], table.Order(Named("a.example"), link => load[link]));
        load["one"] = 0;
        Assert.Equal(["one", "three", "two"], table.Order(Named("a.example"), link => load[link]));
    }

    [Fact]
    public void Only_balance_by_clients_asks_for_them()
    {
        foreach (var balance in new[] { RelayBalance.RoundRobin, RelayBalance.ClientAddress })
        {
            var table = NewTable(balance);
            Add(table, "one", "a.example");
            Assert.Equal(["one"], table.Order(Named("a.example"), _ => throw new InvalidOperationException()));
        }
    }

    private static string[] Take(RouteTable<string> table, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => table.Order(Named("a.example"), _ => 0)[0])];

    private static RouteTable<string> NewTable(RelayBalance balance = RelayBalance.RoundRobin, bool nameCoversSubdomains = true) => new(() => balance, () => nameCoversSubdomains);

    private static void Add(RouteTable<string> table, string link, params string[] domains) => table.Add(link, new Grant { Domains = domains });

    private static FrameMeta Named(string name) => new() { Name = name, Address = "192.0.2.1", ServicePort = 443 };

    private static FrameMeta Port(int port) => new() { ServicePort = port };
}
