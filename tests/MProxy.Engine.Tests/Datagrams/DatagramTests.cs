using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class DatagramTests
{
    private static CancellationToken Token => DatagramWorld.Token;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1472)]
    [InlineData(16 << 10)]
    [InlineData(65_507)]
    public async Task A_datagram_comes_back_whole(int length)
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Udp);
        var sent = RandomNumberGenerator.GetBytes(length);
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(sent, await DatagramWorld.AskAsync(client, sent));
        }

        Assert.Equal(1, world.Relay.ClientCount);
        Assert.Single(world.Asked);
    }

    [Fact]
    public async Task Datagrams_of_a_client_stay_in_order()
    {
        const int Count = 5_000;
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Udp);
        var last = -1;
        for (var next = 0; next < Count; next += 50)
        {
            // In small runs, so that loopback loses none.
            for (var number = next; number < next + 50; number++)
            {
                await client.SendAsync(BitConverter.GetBytes(number), Token);
            }

            for (var number = next; number < next + 50; number++)
            {
                var came = BitConverter.ToInt32(await DatagramWorld.ReceiveAsync(client));
                Assert.Equal(last + 1, came);
                last = came;
            }
        }
    }

    [Fact]
    public async Task Datagrams_that_come_before_the_service_is_dialled_stay_in_order_with_those_after()
    {
        await using var world = await DatagramWorld.StartAsync();
        for (var round = 0; round < 300; round++)
        {
            using var client = DatagramWorld.NewClient(world.Udp);
            for (var number = 0; number < 40; number++)
            {
                await client.SendAsync(BitConverter.GetBytes(number), Token);
            }

            for (var number = 0; number < 40; number++)
            {
                Assert.Equal(number, BitConverter.ToInt32(await DatagramWorld.ReceiveAsync(client)));
            }
        }
    }

    [Fact]
    public async Task A_thousand_clients_at_once_get_their_own_answers()
    {
        const int Count = 1_000;
        await using var world = await DatagramWorld.StartAsync(tunnel: options => options with { DatagramIdleTimeout = TimeSpan.FromMinutes(5) });
        var clients = Enumerable.Range(0, Count).Select(_ => DatagramWorld.NewClient(world.Udp)).ToArray();
        try
        {
            for (var round = 0; round < 3; round++)
            {
                // All are asked before any answer is read. What a burst loses is asked for again, as clients of UDP do.
                var waiting = Enumerable.Range(0, Count).ToHashSet();
                for (var tries = 0; waiting.Count > 0; tries++)
                {
                    Assert.InRange(tries, 0, 20);
                    foreach (var number in waiting)
                    {
                        await clients[number].SendAsync(Encoding.ASCII.GetBytes($"{round} {number}"), Token);
                    }

                    await Task.WhenAll(waiting.ToArray().Select(async number =>
                    {
                        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Token);
                        timeout.CancelAfter(TimeSpan.FromSeconds(2));
                        try
                        {
                            for (; ; )
                            {
                                var answer = Encoding.ASCII.GetString((await clients[number].ReceiveAsync(timeout.Token)).Buffer);
                                Assert.EndsWith($" {number}", answer);
                                if (answer == $"{round} {number}")
                                {
                                    lock (waiting)
                                    {
                                        waiting.Remove(number);
                                    }

                                    return;
                                }
                            }
                        }
                        catch (OperationCanceledException)
                        {
                        }
                    }));
                }
            }

            Assert.Equal((Count, Count), (world.Relay.ClientCount, world.Asked.Count));
        }
        finally
        {
            Array.ForEach(clients, client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_silent_client_is_over_at_both_ends_and_may_come_again()
    {
        var time = new ManualTime();
        await using var world = await DatagramWorld.StartAsync(options: SilentFor4Seconds, time: time);
        using var client = DatagramWorld.NewClient(world.Udp);
        for (byte round = 1; round <= 3; round++)
        {
            // Its address is its own again when the device has said that the client before is over: until then it is not served.
            await DatagramWorld.AskAgainAsync(client, [round]);
            Assert.Equal(round, world.Asked.Count);
            await Until.TrueAsync(() =>
            {
                // A question that was asked twice may come late, and then its client is over later.
                if (world.Relay.Connections.Any(one => one.State == ConnectionState.Open))
                {
                    time.Advance(TimeSpan.FromSeconds(5));
                }

                return world.Relay.ClientCount == 0 && world.Tunnel.ClientCount == 0;
            });
        }
    }

    [Fact]
    public async Task The_device_ends_a_silent_client_too()
    {
        await using var world = await DatagramWorld.StartAsync(tunnel: options => options with { DatagramIdleTimeout = TimeSpan.FromMilliseconds(500) });
        using var client = DatagramWorld.NewClient(world.Udp);
        Assert.Equal([1], await DatagramWorld.AskAsync(client, [1]));
        await Until.TrueAsync(() => world.Relay.ClientCount == 0 && world.Tunnel.ClientCount == 0);
    }

    [Fact]
    public async Task Who_talks_is_not_silent()
    {
        var time = new ManualTime();
        await using var world = await DatagramWorld.StartAsync(options: SilentFor4Seconds, time: time);
        using var client = DatagramWorld.NewClient(world.Udp);
        for (var asked = 0; asked < 20; asked++)
        {
            await DatagramWorld.AskAsync(client, [1]);
            time.Advance(TimeSpan.FromSeconds(3));
        }

        Assert.Single(world.Asked);
    }

    [Fact]
    public async Task Until_a_client_shows_that_it_hears_it_is_sent_a_multiple_of_its_own_bytes()
    {
        // The service answers each datagram with twenty of its length.
        await using var world = await DatagramWorld.StartAsync(answer: asked => [.. Enumerable.Repeat(asked, 20)]);
        using var client = DatagramWorld.NewClient(world.Udp);
        await client.SendAsync(new byte[100], Token);
        for (var number = 0; number < 10; number++)
        {
            Assert.Equal(100, (await DatagramWorld.ReceiveAsync(client)).Length);
        }

        await Until.TrueAsync(() => world.Relay.LimitedBy.GetValueOrDefault("amplification") == 10);
        Assert.Equal(0, client.Available);
        await client.SendAsync(new byte[100], Token);
        for (var number = 0; number < 20; number++)
        {
            Assert.Equal(100, (await DatagramWorld.ReceiveAsync(client)).Length);
        }
    }

    [Fact]
    public async Task A_client_has_so_many_datagrams_a_second_and_others_have_theirs()
    {
        var time = new ManualTime();
        await using var world = await DatagramWorld.StartAsync(
            answer: _ => [],
            options: options => options with { Limits = options.Limits with { DatagramsPerSecond = 50 } },
            time: time);
        using var client = DatagramWorld.NewClient(world.Udp);

        // Few wait for a service that is not dialled yet.
        await SendAsync(1, passed: 1, dropped: 0);

        // Twice the rate at once, and the rate behind each second. No more than loopback holds.
        await SendAsync(149, passed: 100, dropped: 50);
        time.Advance(TimeSpan.FromSeconds(1));
        await SendAsync(80, passed: 150, dropped: 80);
        using var other = DatagramWorld.NewClient(world.Udp);
        await other.SendAsync(new byte[1], Token);
        await Until.TrueAsync(() => world.Asked.Count == 2);

        async Task SendAsync(int count, int passed, int dropped)
        {
            for (var number = 0; number < count; number++)
            {
                await client.SendAsync(new byte[1], Token);
            }

            await Until.TrueAsync(() => (world.Asked.Values.Sum(), world.Relay.LimitedBy.GetValueOrDefault("datagrams per second")) == (passed, dropped));
        }
    }

    [Fact]
    public async Task Made_up_addresses_take_half_of_the_room_at_most()
    {
        await using var world = await DatagramWorld.StartAsync(answer: _ => [], options: options => options with { Limits = options.Limits with { MaxClients = 40 } });
        for (var number = 0; number < 100; number++)
        {
            using var stranger = DatagramWorld.NewClient(world.Udp, IPAddress.Parse($"127.0.1.{number + 1}"));
            await stranger.SendAsync(new byte[] { 1 }, Token);
        }

        await Until.TrueAsync(() => world.Relay.RefusedCount == 80);
        Assert.Equal(20, world.Relay.ClientCount);
        Assert.Equal(80, world.Relay.RefusedBy["the relay has as many clients as it may"]);
    }

    [Fact]
    public async Task A_client_nobody_serves_hears_nothing_and_is_counted()
    {
        await using var world = await DatagramWorld.StartAsync();
        await world.Tunnel.StopAsync(cancellationToken: Token);
        await Until.TrueAsync(() => world.Relay.LinkCount == 0);
        using var client = DatagramWorld.NewClient(world.Udp);
        await client.SendAsync(new byte[] { 1 }, Token);
        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("no device serves its port") == 1);
        Assert.Equal(0, client.Available);
    }

    [Fact]
    public async Task Datagrams_do_not_reach_a_service_of_streams()
    {
        await using var world = await DatagramWorld.StartAsync(tunnel: options => options with
        {
            Service = new ServiceMap([new("*", LocalTarget.Parse("127.0.0.1:9"))]),
        });
        var events = new EventLog();
        world.Relay.EventRaised += events.Take;
        using var client = DatagramWorld.NewClient(world.Udp);
        await client.SendAsync(new byte[] { 1 }, Token);
        Assert.Equal(ErrorCode.NoService, (await events.NextAsync(EventKind.ClientClosed)).Code);
        Assert.Equal(0, client.Available);
    }

    [Fact]
    public async Task A_service_that_is_not_there_yet_is_reached_when_it_is()
    {
        var port = FreePort.Take();
        await using var world = await DatagramWorld.StartAsync(tunnel: options => options with
        {
            Service = new ServiceMap([new("*", LocalTarget.Parse($"udp://127.0.0.1:{port}"))]),
        });
        var failed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Tunnel.EventRaised += (_, happened) =>
        {
            if (happened.Kind == EventKind.ServiceFailed)
            {
                failed.TrySetResult(happened.Message);
            }
        };
        using var client = DatagramWorld.NewClient(world.Udp);
        await client.SendAsync(new byte[] { 1 }, Token);
        Assert.Contains($"udp://127.0.0.1:{port}", await failed.Task.WaitAsync(TimeSpan.FromSeconds(20), Token));
        using var service = new UdpClient(new IPEndPoint(IPAddress.Loopback, port));
        await client.SendAsync(new byte[] { 2 }, Token);
        Assert.Equal([2], await DatagramWorld.ReceiveAsync(service));
    }

    [Fact]
    public async Task A_stalled_transfer_beside_it_does_not_hold_up_a_datagram()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Udp);
        Assert.Equal([7], await DatagramWorld.AskAsync(client, [7]));
        var connection = Assert.Single(world.Relay.Connections);
        Assert.Equal(("udp", 1L, 1L), (connection.Service, connection.BytesIn, connection.BytesOut));
        connection.Suspend();
        using var other = DatagramWorld.NewClient(world.Udp);
        Assert.Equal([8], await DatagramWorld.AskAsync(other, [8]));
        connection.Stop();
        await Until.TrueAsync(() => world.Tunnel.ClientCount == 1);
        Assert.Equal([8], await DatagramWorld.AskAsync(other, [8]));
    }

    [Fact]
    public async Task Those_there_are_may_finish_while_a_relay_drains()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Udp);
        Assert.Equal([1], await DatagramWorld.AskAsync(client, [1]));
        var stopping = world.Relay.StopAsync(TimeSpan.FromSeconds(30), Token);
        await Until.TrueAsync(() => world.Relay.OpenPort.Count == 0);
        using var late = DatagramWorld.NewClient(world.Udp);
        await late.SendAsync(new byte[] { 2 }, Token);
        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("the relay takes no new clients") == 1);
        Assert.Equal([3], await DatagramWorld.AskAsync(client, [3]));
        Assert.Single(world.Relay.Connections).Stop();
        await stopping;
    }

    [Fact]
    public async Task One_whose_address_may_not_come_any_more_is_ended_though_it_never_pauses()
    {
        await using var world = await DatagramWorld.StartAsync();
        using var client = DatagramWorld.NewClient(world.Udp);
        using var other = DatagramWorld.NewClient(world.Udp, IPAddress.Parse("127.0.0.2"));
        Assert.Equal([1], await DatagramWorld.AskAsync(client, [1]));
        Assert.Equal([2], await DatagramWorld.AskAsync(other, [2]));
        world.Relay.Change(options => options with { Limits = options.Limits with { DeniedClients = [IPNetwork.Parse("127.0.0.1/32")] } });
        Assert.Equal(1, world.Relay.ClientCount);
        await client.SendAsync(new byte[1], Token);
        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("its address may not come") == 1);
        Assert.Equal([3], await DatagramWorld.AskAsync(other, [3]));
    }

    [Fact]
    public async Task They_take_half_of_the_room_on_a_link_and_nothing_of_what_streams_of_their_address_may_have()
    {
        await using var world = await DatagramWorld.StartAsync(options: options => options with
        {
            Limits = options.Limits with { MaxClientsPerDevice = 4, MaxClientsPerAddress = 3 },
        });
        UdpClient[] clients = [.. Enumerable.Range(0, 3).Select(_ => DatagramWorld.NewClient(world.Udp))];
        Assert.Equal([1], await DatagramWorld.AskAsync(clients[0], [1]));
        Assert.Equal([1], await DatagramWorld.AskAsync(clients[1], [1]));
        await clients[2].SendAsync(new byte[1], Token);
        await Until.TrueAsync(() => world.Relay.RefusedBy.GetValueOrDefault("its devices have as many clients as they may") == 1);
        Assert.Null(world.Relay.Admission.TryEnter(IPAddress.Loopback, isDatagram: false));
        Assert.Null(world.Relay.Admission.TryEnter(IPAddress.Loopback, isDatagram: false));
        Assert.Null(world.Relay.Admission.TryEnter(IPAddress.Loopback, isDatagram: false));
        Assert.NotNull(world.Relay.Admission.TryEnter(IPAddress.Loopback, isDatagram: false));
        for (var number = 0; number < 3; number++)
        {
            world.Relay.Admission.Leave(IPAddress.Loopback, isDatagram: false);
        }

        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public async Task A_port_of_the_grant_is_open_as_long_as_its_device_is_there()
    {
        var port = FreePort.Take();
        await using var world = new Front.FrontWorld(options => options with { GrantedUdpPort = [port] });
        Assert.Empty(world.Relay.OpenUdpPort.Except(world.Relay.DnsPort));
        using var service = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var device = await world.AddUdpDeviceAsync($"udp://{service.Client.LocalEndPoint}", port);
        Assert.Contains(port, world.Relay.OpenUdpPort);
        Assert.Contains(device.Links[0].Grants, grant => grant.Service == "udp" && grant.Ports.SequenceEqual([port]));
        using var client = DatagramWorld.NewClient(new IPEndPoint(IPAddress.Loopback, port));
        await client.SendAsync(new byte[] { 9 }, Token);
        Assert.Equal([9], await DatagramWorld.ReceiveAsync(service));
        await device.DisposeAsync();
        await Until.TrueAsync(() => !world.Relay.OpenUdpPort.Contains(port));
    }

    /// <summary>It looks each second, and a client is over five seconds behind its last datagram.</summary>
    private static RelayOptions SilentFor4Seconds(RelayOptions options) => options with { Limits = options.Limits with { DatagramIdleTimeout = TimeSpan.FromSeconds(4) } };
}
