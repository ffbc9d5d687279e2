using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MProxy.Engine.Carriers;
using MProxy.Engine.Device;
using MProxy.Engine.Events;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests;

/// <summary>Several links to one name that has several addresses.</summary>
public class RelayAddressesTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly ManualTime _time = new(MemoryWorld.Start);
    private volatile IPAddress[] _found = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_link_gets_an_address_of_its_own_and_behind_a_loss_the_one_left_longest_ago()
    {
        Found("192.0.2.1", "192.0.2.2", "192.0.2.3");
        var relay = Spread(2)[0];
        var (one, two) = (await TakeAsync(relay), await TakeAsync(relay));
        Assert.NotEqual(one, two);
        Assert.Equal(3, _found.Except([one, two]).Append(one).Append(two).Count());
        var three = await TakeAsync(relay, before: one);
        Assert.DoesNotContain(three, new[] { one, two });

        // The third was left last of all, the first before it.
        Assert.Equal(one, await TakeAsync(relay, before: three));
        Assert.Equal(three, await TakeAsync(relay, before: two));
    }

    [Fact]
    public async Task A_link_that_finds_none_left_waits_for_one_that_is_given_back()
    {
        Found("192.0.2.1");
        var relay = Spread(2)[0];
        var only = await TakeAsync(relay);
        var waiting = new TaskCompletionSource();
        var second = TakeAsync(relay, waits: waiting.SetResult);
        await waiting.Task.WaitAsync(Long, Token);
        Assert.False(second.IsCompleted);
        relay.Addresses!.Return(only);
        Assert.Equal(only, await second.WaitAsync(Long, Token));
    }

    [Fact]
    public async Task A_link_that_waits_looks_again_by_itself()
    {
        Found("192.0.2.1");
        var relay = Spread(2)[0];
        await TakeAsync(relay);
        var waiting = new SemaphoreSlim(0);
        var second = TakeAsync(relay, waits: () => waiting.Release());
        for (var round = 0; round < 3; round++)
        {
            await waiting.WaitAsync(Token).WaitAsync(Long, Token);
            Assert.False(second.IsCompleted);
            if (round == 2)
            {
                Found("192.0.2.1", "192.0.2.2");
            }

            await _time.TimersAsync(TimeSpan.FromSeconds(30));
            _time.Advance(TimeSpan.FromSeconds(30));
        }

        Assert.Equal(IPAddress.Parse("192.0.2.2"), await second.WaitAsync(Long, Token));
    }

    [Fact]
    public async Task Of_two_families_the_one_that_comes_first_is_taken_and_doubles_are_one()
    {
        Found("2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2");
        var relay = Spread(3)[0];
        IPAddress[] taken = [await TakeAsync(relay), await TakeAsync(relay)];
        Assert.Equal(["2001:db8::1", "2001:db8::2"], taken.Select(address => $"{address}").Order());
    }

    [Fact]
    public async Task The_other_family_is_for_when_all_of_the_first_fail()
    {
        Found("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2");
        var relay = Spread(2)[0];
        var one = await TakeAsync(relay);
        Assert.True(relay.Addresses!.Ended(one, new IOException()));
        var two = await TakeAsync(relay, before: one);
        Assert.Equal(["2001:db8::1", "2001:db8::2"], new[] { one, two }.Select(address => $"{address}").Order());
        Assert.True(relay.Addresses.Ended(two, new IOException()));
        Assert.False(relay.Addresses.Ended(two, new IOException()));
        var three = await TakeAsync(relay, before: two);
        Assert.Equal(AddressFamily.InterNetwork, three.AddressFamily);

        // Whoever is up has its family's word for it.
        relay.Addresses.Worked(three);
        Assert.Equal(AddressFamily.InterNetwork, (await TakeAsync(relay)).AddressFamily);
    }

    [Fact]
    public async Task A_link_that_changes_its_address_wakes_who_waits_for_one()
    {
        Found("192.0.2.1");
        var relay = Spread(3)[0];
        var first = await TakeAsync(relay);
        var waiting = new TaskCompletionSource();
        var second = TakeAsync(relay, waits: waiting.SetResult);
        await waiting.Task.WaitAsync(Long, Token);
        Found("192.0.2.1", "192.0.2.2");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("192.0.2.2", $"{await TakeAsync(relay, before: first)}");
        Assert.Equal(first, await second.WaitAsync(Long, Token));
    }

    [Fact]
    public async Task A_name_that_cannot_be_found_is_one_clear_error()
    {
        var relay = Spread(2)[0];
        relay.Addresses!.Find = (_, _) => throw new SocketException((int)SocketError.HostNotFound);
        var error = await Assert.ThrowsAsync<CarrierException>(() => TakeAsync(relay));
        Assert.Equal("No connection to the relay at relay.test:7000: the name cannot be resolved. Is it spelt right, and does DNS work?", error.Message);
        _time.Advance(TimeSpan.FromSeconds(1));
        relay.Addresses.Find = (_, _) => Task.FromResult(Array.Empty<IPAddress>());
        Assert.Contains("the name cannot be resolved", (await Assert.ThrowsAsync<CarrierException>(() => TakeAsync(relay))).Message, StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(1));
        relay.Addresses.Find = async (_, cancelled) =>
        {
            await Task.Delay(Timeout.Infinite, cancelled);
            return [];
        };
        var slow = TakeAsync(relay);
        await _time.TimersAsync(relay.ConnectTimeout);
        _time.Advance(relay.ConnectTimeout);
        Assert.Contains("was not found within 10 s", (await Assert.ThrowsAsync<CarrierException>(() => slow)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_name_has_one_link_and_a_proxy_is_refused()
    {
        foreach (var relay in new[] { "tcp://192.0.2.1:7000", "tls://[2001:db8::1]:7000", "unix:///run/relay.sock" })
        {
            Assert.Null(Assert.Single(RelayAddresses.Spread(WorldOptions.Links(CarrierUri.Parse(relay)), 4)).Addresses);
        }

        Assert.Null(Assert.Single(RelayAddresses.Spread(WorldOptions.Links(CarrierUri.Parse("tcp://relay.test:7000")), 1)).Addresses);
        var past = WorldOptions.Links(CarrierUri.Parse("wss://relay.test")) with { Dial = new DialOptions { Proxy = new Uri("http://proxy.test:3128") } };
        Assert.Throws<ArgumentException>(() => RelayAddresses.Spread(past, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => RelayAddresses.Spread(past, 17));
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("wss")]
    public async Task A_tunnel_keeps_its_links_to_relays_of_one_name_and_goes_to_another_when_one_ends(string scheme)
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var port = FreePort.Take();
        var relays = Enumerable.Range(1, 3).Select(number => Start($"{scheme}://127.0.0.{number}:{port}")).ToList();
        Found("127.0.0.1", "127.0.0.2", "127.0.0.3");
        var link = new DeviceLinkOptions
        {
            Relay = CarrierUri.Parse($"{scheme}://relay.test:{port}"),
            Dial = CarrierWorld.Trusting,
            MaxRetryDelay = TimeSpan.FromMilliseconds(100),
        };
        var tunnel = await StartAsync(link, 2, service.Target);
        await using (tunnel)
        {
            for (var round = 0; round < 4; round++)
            {
                await Until.TrueAsync(() => relays.Count(relay => relay.LinkCount == 1) == 2 && tunnel.Links.All(one => one.State == LinkState.Connected));
                Assert.Equal(2, tunnel.Links.Select(one => one.RemoteEndPoint).Distinct().Count());

                // One of the two goes, and the third takes its place; then it is back for the next.
                var gone = relays.FindIndex(relay => relay.LinkCount == 1);
                var uri = relays[gone].Listen[0];
                await relays[gone].DisposeAsync();
                await Until.TrueAsync(() => relays.Where((_, i) => i != gone).All(relay => relay.LinkCount == 1));
                relays[gone] = await Until.OpenAsync(() => Start($"{uri}"));
            }

            Assert.Equal([link.Relay], tunnel.RelayUri);
        }

        foreach (var relay in relays)
        {
            await relay.DisposeAsync();
        }

        Assert.Equal("0 open, 0 buffers, 0 loops", $"{tunnel.Ledger}");
    }

    [Fact]
    public async Task With_fewer_addresses_than_links_the_others_wait_and_a_failed_start_names_the_one_that_was_tried()
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var port = FreePort.Take();
        Found("127.0.0.1");
        var link = WorldOptions.Links(CarrierUri.Parse($"tcp://relay.test:{port}")) with { MaxRetryDelay = TimeSpan.FromMilliseconds(100) };
        var error = await Assert.ThrowsAsync<LinkException>(() => StartAsync(link, 4, service.Target).WaitAsync(Long, Token));
        Assert.Equal($"No connection to the relay at relay.test:{port} (127.0.0.1): nobody listens there. Is it running, and is the port right?", error.Message);

        await using var relay = Start($"tcp://127.0.0.1:{port}");
        await using var tunnel = await StartAsync(link, 4, service.Target);
        await Until.TrueAsync(() => tunnel.Links.Count(one => one.State == LinkState.Waiting) == 3);
        Assert.Equal((LinkState.Connected, 1), (tunnel.State, relay.LinkCount));

        // Another that comes by the name has a link as soon as one looks again: here since the first is lost.
        await using var other = Start($"tcp://127.0.0.2:{port}");
        Found("127.0.0.1", "127.0.0.2");
        await relay.StopAsync(cancellationToken: Token);
        await Until.TrueAsync(() => other.LinkCount == 1);
        await tunnel.StopAsync(cancellationToken: Token).WaitAsync(Long, Token);
        Assert.All(tunnel.Links, one => Assert.Equal(LinkState.Stopped, one.State));
    }

    [Fact]
    public async Task A_start_goes_on_to_the_address_that_works()
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var port = FreePort.Take();
        Found("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4");
        await using var relay = Start($"tcp://127.0.0.3:{port}");
        for (var round = 0; round < 5; round++)
        {
            await using var tunnel = await StartAsync(WorldOptions.Links(CarrierUri.Parse($"tcp://relay.test:{port}")), 2, service.Target);
            Assert.Equal(LinkState.Connected, tunnel.State);
        }
    }

    [Fact]
    public async Task Two_addresses_of_one_relay_are_one_link_that_stays()
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var key = TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32));
        var port = FreePort.Take();
        Found("127.0.0.1", "127.0.0.2");
        await using var relay = Start($"tcp://0.0.0.0:{port}", key);
        await using var tunnel = await StartAsync(WorldOptions.Links(CarrierUri.Parse($"tcp://relay.test:{port}")) with { Tokens = [NewToken(key)] }, 2, service.Target);
        var replaced = 0;
        tunnel.EventRaised += (_, happened) => _ = happened.Code == ErrorCode.Replaced && happened.Kind == EventKind.LinkLost ? Interlocked.Increment(ref replaced) : 0;
        await Until.TrueAsync(() => tunnel.Links.Select(one => one.State).Order().SequenceEqual([LinkState.Waiting, LinkState.Connected]));
        await Until.TrueAsync(() => relay.LinkCount == 1);

        // Each may have taken the other's place once; from then on one waits.
        await tunnel.EventsHandedOut;
        Assert.InRange(Volatile.Read(ref replaced), 1, 2);
    }

    [Fact]
    public async Task A_relay_that_refuses_the_token_costs_no_link_and_all_that_do_are_final()
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var (key, other) = (TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32)), TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32)));
        var port = FreePort.Take();
        Found("127.0.0.1", "127.0.0.2", "127.0.0.3");
        await using var one = Start($"tcp://127.0.0.1:{port}", key);
        await using var two = Start($"tcp://127.0.0.2:{port}", key);
        await using var stranger = Start($"tcp://127.0.0.3:{port}", other);
        var link = WorldOptions.Links(CarrierUri.Parse($"tcp://relay.test:{port}"));
        await using (var tunnel = await StartAsync(link with { Tokens = [NewToken(key)] }, 2, service.Target))
        {
            await Until.TrueAsync(() => (one.LinkCount, two.LinkCount) == (1, 1));
        }

        var error = await Assert.ThrowsAsync<LinkException>(() => StartAsync(link with { Tokens = [NewToken(TokenKey.FromSecret(RandomNumberGenerator.GetBytes(32)))] }, 2, service.Target).WaitAsync(Long, Token));
        Assert.True(error.IsFinal);
    }

    [Fact]
    public async Task An_address_is_not_lost_when_the_name_cannot_be_found_for_a_while()
    {
        await using var service = new FrontService(LocalService.EchoAsync);
        var port = FreePort.Take();
        Found("127.0.0.1");
        var link = WorldOptions.Links(CarrierUri.Parse($"tcp://relay.test:{port}")) with { MaxRetryDelay = TimeSpan.FromMilliseconds(100) };
        var shared = RelayAddresses.Spread(link, 2).ToArray();
        var isDown = false;
        shared[0].Addresses!.Find = (_, _) => Volatile.Read(ref isDown) ? throw new SocketException((int)SocketError.TryAgain) : Task.FromResult(_found);
        var relay = Start($"tcp://127.0.0.1:{port}");
        await using var tunnel = await Tunnel.StartAsync(WorldOptions.Tunnels(link, "*", service.Target) with { Relays = shared }, cancellationToken: Token);
        var events = new EventLog();
        tunnel.EventRaised += events.Take;
        for (var round = 0; round < 3; round++)
        {
            Volatile.Write(ref isDown, true);
            await relay.DisposeAsync();
            while (!(await events.NextAsync(EventKind.LinkLost)).Message.Contains("cannot be resolved", StringComparison.Ordinal))
            {
                // What was found a moment ago holds for a second.
            }

            relay = await Until.OpenAsync(() => Start($"tcp://127.0.0.1:{port}"));
            Volatile.Write(ref isDown, false);
            await Until.TrueAsync(() => tunnel.State == LinkState.Connected);
        }

        await relay.DisposeAsync();
    }

    private static RelayServer Start(string listen, TokenKey? key = null) => RelayServer.Start(WorldOptions.Relays(listen) with { Keys = key is null ? [] : [key] });

    private static string NewToken(TokenKey key) => TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Id = "d1" } }, key, DateTimeOffset.UtcNow);

    private Task<Tunnel> StartAsync(DeviceLinkOptions link, int count, string target)
    {
        var shared = RelayAddresses.Spread(link, count).ToArray();
        shared[0].Addresses!.Find = (_, _) => Task.FromResult(_found);
        return Tunnel.StartAsync(WorldOptions.Tunnels(link, "*", target) with { Relays = shared }, cancellationToken: Token);
    }

    private void Found(params string[] addresses) => _found = [.. addresses.Select(IPAddress.Parse)];

    private DeviceLinkOptions[] Spread(int count)
    {
        DeviceLinkOptions[] all = [.. RelayAddresses.Spread(WorldOptions.Links(CarrierUri.Parse("tcp://relay.test:7000")), count)];
        Assert.Equal(count, all.Length);
        Assert.All(all, one => Assert.True(one.Dial.NoProxy));
        all[0].Addresses!.Find = (host, _) => Task.FromResult(host == "relay.test" ? _found : []);
        return all;
    }

    private async Task<IPAddress> TakeAsync(DeviceLinkOptions relay, IPAddress? before = null, Action? waits = null) =>
        await relay.Addresses!.TakeAsync(relay.Relay!, before, relay, waits ?? (() => Assert.Fail("There is one.")), _time, Token);
}
