using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Fleet;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>How fast new clients of an address may come to a fleet.</summary>
public sealed class FleetRateTests
{
    private const int PerSecond = 100;

    private static readonly IPAddress Hasty = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Other = IPAddress.Parse("192.0.2.2");

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public void An_address_comes_no_faster_for_there_being_more_relays(int count)
    {
        const int Seconds = 60;
        Relay[] relays = [.. Enumerable.Range(1, count).Select(number => Start($"r{number}"))];
        var entered = 0;
        var others = 0;
        for (var second = 0; second < Seconds; second++)
        {
            for (var tenth = 0; tenth < 10; tenth++)
            {
                entered += relays.Sum(relay => Enumerable.Range(0, PerSecond).Count(_ => relay.TryVisit(Hasty)));
                others += relays[0].TryVisit(Other) ? 1 : 0;
                _time.Advance(TimeSpan.FromSeconds(0.1));
            }

            Beat(relays);
        }

        // The rate of one relay, and once what is saved up at each, which all may use before they hear of each other.
        Assert.InRange(entered, Seconds * PerSecond * 0.7, (Seconds + (3 * count)) * PerSecond * 1.1);
        Assert.Equal(10 * Seconds, others);
    }

    [Fact]
    public void Who_comes_evenly_and_is_gone_at_once_is_told_of_too()
    {
        Relay[] relays = [Start("r1"), Start("r2"), Start("r3")];
        var entered = 0;
        for (var second = 0; second < 20; second++)
        {
            // Almost as fast as may be at each: nothing of what is saved up is ever used there.
            for (var tenth = 0; tenth < 9; tenth++)
            {
                for (var i = 0; i < PerSecond / 10; i++)
                {
                    entered += relays.Count(relay => relay.TryVisit(Hasty));
                    _time.Advance(TimeSpan.FromSeconds(1.0 / 90));
                }
            }

            Beat(relays);
        }

        Assert.InRange(entered, 20 * PerSecond, 30 * PerSecond);
        _time.Advance(TimeSpan.FromSeconds(4));
        Beat(relays);
        Assert.All(relays, relay => Assert.Equal(0, relay.Admission.AddressCount));
    }

    [Fact]
    public void What_a_relay_says_counts_once_and_what_it_makes_up_is_owed_for_four_seconds_at_most()
    {
        var (one, two) = (Start("r1"), Start("r2"));
        for (var i = 0; i < 150; i++)
        {
            Assert.True(one.TryVisit(Hasty));
        }

        var said = one.Say();
        two.Elsewhere.Take([said]);
        two.Elsewhere.Take([said]);
        Assert.Equal(50, Enumerable.Range(0, PerSecond).Count(_ => two.TryVisit(Hasty)));

        two.Elsewhere.Take([said with { NewClients = [new NewClients(2, said.NewClients[^1].OfAddress.ToDictionary(entry => entry.Key, _ => int.MaxValue))] }]);
        _time.Advance(TimeSpan.FromSeconds(1.99));
        Assert.False(two.TryVisit(Hasty));
        _time.Advance(TimeSpan.FromSeconds(2.01));
        Assert.True(two.TryVisit(Hasty));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(1, two.Admission.AddressCount);
        two.Say();
        Assert.Equal(0, two.Admission.AddressCount);
    }

    [Fact]
    public void Nonsense_is_nothing_and_one_that_is_owed_for_ever_keeps_no_other_in_memory()
    {
        var relay = Start("r1");
        var hasty = AddressKey.Of(Hasty).ToText();
        for (var round = 1; round <= 1000; round++)
        {
            relay.Elsewhere.Take(
            [
                new FleetNode
                {
                    Name = "r2",
                    NewClients = [new NewClients(round, new Dictionary<string, int> { [hasty] = 1000, [""] = 9, ["z"] = 9, [new string('g', 32)] = 9, [hasty + "0"] = 9, [new string('f', 32)] = -5 })],
                },
            ]);
            Assert.True(relay.TryVisit(new IPAddress(0x0a000000 + round)));
            relay.Say();
            _time.Advance(TimeSpan.FromSeconds(0.5));
        }

        Assert.InRange(relay.Admission.AddressCount, 1, 20);
    }

    [Fact]
    public void Who_misses_a_beat_hears_of_it_with_the_next_and_one_that_is_started_anew_is_heard()
    {
        var (one, two) = (Start("r1"), Start("r2"));
        for (var beat = 0; beat < 3; beat++)
        {
            Assert.Equal(30, Enumerable.Range(0, 30).Count(_ => one.TryVisit(Hasty)));
            var said = one.Say();
            if (beat == 2)
            {
                two.Elsewhere.Take([said]);
            }
        }

        Assert.Equal(110, Enumerable.Range(0, 200).Count(_ => two.TryVisit(Hasty)));
        _time.Advance(TimeSpan.FromSeconds(2));
        var anew = Start("r1");
        Assert.Equal(150, Enumerable.Range(0, 150).Count(_ => anew.TryVisit(Hasty)));
        two.Elsewhere.Take([anew.Say()]);
        Assert.Equal(50, Enumerable.Range(0, 200).Count(_ => two.TryVisit(Hasty)));
    }

    [Theory]
    [InlineData("{\"Name\":\"\",\"NewClients\":null}")]
    [InlineData("{\"Name\":\"\",\"NewClients\":[null]}")]
    [InlineData("{\"Name\":\"\",\"NewClients\":[{\"Number\":1}]}")]
    public void What_a_relay_leaves_out_is_nothing(string text) => Assert.Empty(FleetNode.TryRead("r1", 1, text)!.NewClients);

    [Fact]
    public void What_a_relay_says_is_read_as_it_was_written()
    {
        var relay = Start("r1");
        Assert.Equal(50, Enumerable.Range(0, 50).Count(_ => relay.TryVisit(Hasty)));
        var read = Assert.Single(FleetNode.TryRead("r1", 1, relay.Say().ToText())!.NewClients);
        Assert.Equal((1, 50), (read.Number, Assert.Single(read.OfAddress).Value));
    }

    [Theory]
    [InlineData("192.0.2.1", 0U)]
    [InlineData("2001:db8:ffff:ffff::1", 1U)]
    public void A_key_is_read_as_it_was_written(string address, uint kind)
    {
        var key = AddressKey.Of(IPAddress.Parse(address), kind);
        Assert.True(AddressKey.TryParse(key.ToText(), out var read));
        Assert.Equal(key, read);
    }

    [Fact]
    public async Task A_relay_refuses_whom_another_has_seen_enough_of()
    {
        await using var world = new FleetWorld();
        Func<RelayOptions, RelayOptions> slow = options => FleetWorld.WithoutTokens(options) with { Limits = options.Limits with { MaxNewClientsPerAddress = 10 } };
        var (here, there) = (await world.AddRelayAsync("r1", slow), await world.AddRelayAsync("r2", slow));
        await world.SettledAsync();

        // There fewer come than the rate lets in, so that what refuses one is what has come here meanwhile.
        await Until.TrueAsync(async () =>
        {
            var since = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(0.3))
            {
                await TryAsync(here.TcpPort[0]);
            }

            await TryAsync(there.TcpPort[0]);
            await TryAsync(there.TcpPort[0]);
            return there.RefusedBy.ContainsKey(ClientRefusal.TooFastOfAddress.Reason);
        });
    }

    /// <summary>Comes and is gone.</summary>
    private static async Task TryAsync(int port)
    {
        try
        {
            using var client = await FrontClient.ConnectAsync(port);
        }
        catch (SocketException)
        {
            // It was refused while it connected.
        }
    }

    /// <summary>All say what they have seen, and hear what others have.</summary>
    private static void Beat(Relay[] relays)
    {
        FleetNode[] said = [.. relays.Select(relay => relay.Say())];
        foreach (var relay in relays)
        {
            relay.Elsewhere.Take([.. said.Where(node => node.Name != relay.Name)]);
        }
    }

    private Relay Start(string name)
    {
        var settings = new RelaySettings(new RelayOptions { Name = name, Limits = new RelayLimits { MaxNewClientsPerAddress = PerSecond } });
        var admission = new ClientAdmission(settings, _time);
        admission.Elsewhere = new ClientsElsewhere(settings, admission, new LinkRegistry(settings));
        return new Relay(name, admission, admission.Elsewhere);
    }

    /// <summary>A relay as far as it counts.</summary>
    private sealed class Relay(string name, ClientAdmission admission, ClientsElsewhere elsewhere)
    {
        public string Name => name;

        public ClientAdmission Admission => admission;

        public ClientsElsewhere Elsewhere => elsewhere;

        public bool TryVisit(IPAddress address)
        {
            if (admission.TryEnter(address, isDatagram: false) is not null)
            {
                return false;
            }

            admission.Leave(address, isDatagram: false);
            return true;
        }

        public FleetNode Say() => new() { Name = name, NewClients = elsewhere.SayNewClients() };
    }
}
