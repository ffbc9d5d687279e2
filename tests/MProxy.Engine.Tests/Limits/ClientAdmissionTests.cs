using System.Net;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Who is let in, by a clock that the test moves.</summary>
public class ClientAdmissionTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly RelaySettings _settings = new(new RelayOptions { Name = "test" });
    private readonly ClientAdmission _admission;

    public ClientAdmissionTests()
    {
        _admission = new ClientAdmission(_settings, _time);
        Set(new RelayLimits());
    }

    [Fact]
    public void So_many_in_all_and_one_more_when_one_has_left()
    {
        Set(new RelayLimits { MaxClients = 3 });
        Assert.Equal(3, EnterAll("10.0.0.1", 10));
        Assert.Same(ClientRefusal.TooManyInAll, Enter("10.0.0.2"));
        Leave("10.0.0.1");
        Assert.Null(Enter("10.0.0.2"));
        Assert.Equal(3, _admission.Count);
    }

    [Fact]
    public void So_many_of_one_address_and_others_beside_them()
    {
        Set(new RelayLimits { MaxClientsPerAddress = 3 });
        Assert.Equal(3, EnterAll("10.0.0.1", 10));
        Assert.Same(ClientRefusal.TooManyOfAddress, Enter("10.0.0.1"));
        Assert.Equal(3, EnterAll("10.0.0.2", 10));
        Leave("10.0.0.1");
        Assert.Equal(1, EnterAll("10.0.0.1", 10));
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("2001:db8::1", "2001:db8:0:0:8000::", true)]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("fe80::1%1", "fe80::2%2", true)]

    // The same 64 bits, but no IPv6.
    [InlineData("0.0.0.1", "::1", false)]
    [InlineData("0.0.0.0", "::1", false)]
    public void What_counts_as_one_address(string one, string other, bool isOne)
    {
        Set(new RelayLimits { MaxClientsPerAddress = 1 });
        Assert.Null(Enter(one));
        Assert.Same(isOne ? ClientRefusal.TooManyOfAddress : null, Enter(other));
        Leave(one);
        if (!isOne)
        {
            Leave(other);
        }

        Assert.Null(Enter(other));
        Leave(other);
        Assert.Equal(0, _admission.Count);
    }

    [Fact]
    public void So_many_new_ones_a_second_and_twice_as_many_at_once()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 10, MaxNewClientsPerAddress = 0 });
        Assert.Equal(20, EnterAll("10.0.0.1", 100));
        Assert.Same(ClientRefusal.TooFast, Enter("10.0.0.2"));
        _time.Advance(Second);
        Assert.Equal(10, EnterAll("10.0.0.2", 100));
    }

    [Fact]
    public void An_address_that_comes_too_fast_uses_up_nothing_that_others_share()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 10, MaxNewClientsPerAddress = 5 });
        Assert.Equal(10, EnterAll("10.0.0.1", 1000));
        Assert.Same(ClientRefusal.TooFastOfAddress, Enter("10.0.0.1"));
        Assert.Equal(10, EnterAll("10.0.0.2", 1000));
        Assert.Same(ClientRefusal.TooFast, Enter("10.0.0.3"));
    }

    [Fact]
    public void An_address_that_has_all_its_clients_uses_up_nothing_that_others_share()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 10, MaxClientsPerAddress = 5 });
        Assert.Equal(5, EnterAll("10.0.0.1", 1000));
        Assert.Equal(5, EnterAll("10.0.0.2", 1000));
        Assert.Equal(5, EnterAll("10.0.0.3", 1000));
        Assert.Equal(5, EnterAll("10.0.0.4", 1000));
        Assert.Same(ClientRefusal.TooFast, Enter("10.0.0.5"));
    }

    [Fact]
    public void An_address_that_leaves_and_comes_back_has_no_fresh_rate()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 10 });
        var entered = 0;
        for (var second = 0; second < 10; second++)
        {
            while (Enter("10.0.0.1") is null)
            {
                Leave("10.0.0.1");
                entered++;
            }

            _time.Advance(Second);
        }

        Assert.Equal(20 + (9 * 10), entered);
    }

    [Fact]
    public void Who_is_refused_for_the_rate_of_all_has_its_own_still()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 10, MaxNewClientsPerAddress = 10 });
        Assert.Null(Enter("10.0.0.1"));
        Assert.Equal(19, EnterAll("10.0.0.2", 19));
        for (var i = 0; i < 1000; i++)
        {
            Assert.Same(ClientRefusal.TooFast, Enter("10.0.0.1"));
        }

        _time.Advance(Second);
        Assert.Equal(10, EnterAll("10.0.0.1", 100));
    }

    [Fact]
    public void Zero_is_no_limit_of_a_rate_and_a_limit_may_come_back()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 0, MaxClients = int.MaxValue, MaxClientsPerAddress = int.MaxValue });
        Assert.Equal(50_000, EnterAll("10.0.0.1", 50_000));
        Set(_settings.Limits with { MaxNewClientsPerAddress = 5 });
        Assert.Equal(10, EnterAll("10.0.0.1", 1000));
        Set(_settings.Limits with { MaxNewClientsPerAddress = 0, MaxNewClientsPerSecond = 7 });
        Assert.Equal(14, EnterAll("10.0.0.1", 1000));
    }

    [Theory]
    [InlineData(40, 20)]
    [InlineData(41, 21)]
    [InlineData(1, 1)]
    public void Addresses_that_may_be_made_up_take_half_of_the_room(int most, int datagrams)
    {
        Set(new RelayLimits { MaxClients = most });
        Assert.Equal(datagrams, EnterAll("10.0.0.1", 100, isDatagram: true));
        Assert.Equal(most - datagrams, EnterAll("10.0.0.1", 100));
        for (var i = 0; i < datagrams; i++)
        {
            _admission.Leave(IPAddress.Parse("10.0.0.1"), isDatagram: true);
        }

        Assert.Equal(datagrams, EnterAll("10.0.0.1", 100));
        Assert.Same(ClientRefusal.TooManyInAll, Enter("10.0.0.1"));
    }

    [Fact]
    public void The_greatest_number_of_clients_is_no_trap()
    {
        Set(new RelayLimits { MaxClients = int.MaxValue });
        Assert.Equal(100, EnterAll("10.0.0.1", 100, isDatagram: true));
    }

    [Fact]
    public void A_limit_that_is_lowered_ends_nobody_and_lets_nobody_in_until_there_is_room()
    {
        Assert.Equal(10, EnterAll("10.0.0.1", 10));
        Set(new RelayLimits { MaxClients = 5 });
        for (var left = 0; left < 5; left++)
        {
            Assert.Same(ClientRefusal.TooManyInAll, Enter("10.0.0.2"));
            Leave("10.0.0.1");
        }

        Assert.Equal(5, _admission.Count);
        Assert.Same(ClientRefusal.TooManyInAll, Enter("10.0.0.2"));
        Leave("10.0.0.1");
        Assert.Null(Enter("10.0.0.2"));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "", "10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "", "::ffff:10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "", "11.1.2.3", false)]
    [InlineData("10.0.0.0/8", "", "2001:db8::1", false)]
    [InlineData("", "10.0.0.0/8", "10.1.2.3", false)]
    [InlineData("", "10.0.0.0/8", "::ffff:10.1.2.3", false)]
    [InlineData("", "10.0.0.0/8", "11.1.2.3", true)]
    [InlineData("", "2001:db8::/32", "2001:db8:ffff::1", false)]
    [InlineData("", "2001:db8::/32", "2001:db9::1", true)]
    [InlineData("", "fe80::/10", "fe80::1%2", false)]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", false)]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", "10.2.2.3", true)]
    [InlineData("0.0.0.0/0", "", "2001:db8::1", false)]
    [InlineData("0.0.0.0/0", "", "10.1.2.3", true)]
    public void Networks_that_may_come_and_that_may_not(string allowed, string denied, string address, bool mayCome)
    {
        Set(new RelayLimits { AllowedClients = Networks(allowed), DeniedClients = Networks(denied) });
        Assert.Same(mayCome ? null : ClientRefusal.Denied, _admission.Check(IPAddress.Parse(address)));
        Assert.Same(mayCome ? null : ClientRefusal.Denied, Enter(address));
        Assert.Equal(mayCome ? 1 : 0, _admission.Count);
    }

    [Fact]
    public void A_hundred_thousand_clients_that_came_and_went_leave_nothing_behind()
    {
        var most = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var address = new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);
            using (_admission.Arrivals.TryEnter(address, () => { }))
            {
                Assert.Null(_admission.TryEnter(address, isDatagram: i % 2 == 0));
            }

            _admission.Leave(address, isDatagram: i % 2 == 0);
            most = Math.Max(most, _admission.AddressCount);
            _time.Advance(TimeSpan.FromMilliseconds(0.5));
        }

        // Whose rate has not recovered yet: that of a single client takes a thousandth of a second.
        Assert.InRange(most, 1, 4);
        _time.Advance(2 * Second);
        Assert.Equal((0, 0, 0), (_admission.Count, _admission.Arrivals.Count, _admission.AddressCount));
    }

    [Fact]
    public void Addresses_that_are_refused_leave_nothing_behind_at_all()
    {
        Set(new RelayLimits { MaxNewClientsPerSecond = 10, MaxNewClientsPerAddress = 1 });
        for (var i = 0; i < 100_000; i++)
        {
            _admission.TryEnter(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), isDatagram: true);
        }

        Assert.Equal((20, 20), (_admission.Count, _admission.AddressCount));
    }

    [Fact]
    public async Task Many_threads_leave_it_as_they_found_it()
    {
        Set(new RelayLimits { MaxClients = 50, MaxClientsPerAddress = 10, MaxNewClientsPerSecond = 0, MaxNewClientsPerAddress = 0, MaxArrivals = 20 });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var address = new IPAddress([10, 0, 0, (byte)((i * (thread + 1)) % 7)]);
                using var place = _admission.Arrivals.TryEnter(address, () => { });
                var isDatagram = i % 3 == 0;
                var isIn = _admission.TryEnter(address, isDatagram) is null;
                Assert.InRange(_admission.Count, 0, 50);
                Assert.InRange(_admission.Arrivals.Count, 0, 20);
                if (isIn)
                {
                    _admission.Leave(address, isDatagram);
                }
            }
        })));
        Assert.Equal((0, 0, 0), (_admission.Count, _admission.Arrivals.Count, _admission.AddressCount));
    }

    private static IPNetwork[] Networks(string networks) => [.. networks.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPNetwork.Parse)];

    private ClientRefusal? Enter(string address) => _admission.TryEnter(IPAddress.Parse(address), isDatagram: false);

    private void Leave(string address) => _admission.Leave(IPAddress.Parse(address), isDatagram: false);

    private int EnterAll(string address, int count, bool isDatagram = false) =>
        Enumerable.Range(0, count).Count(_ => _admission.TryEnter(IPAddress.Parse(address), isDatagram) is null);

    private void Set(RelayLimits limits) => _settings.Current = _settings.Current with { Limits = limits };
}
