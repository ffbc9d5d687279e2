using System.Net;
using MProxy.Engine.Link;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Front;
using MProxy.Engine.Tests.Sessions;

namespace MProxy.Engine.Tests.Reload;

/// <summary>Limits are lowered and raised under running clients: a rate holds at once both ways, and a bound ends nobody who is in.</summary>
public class LimitChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rate_holds_running_transfers_up_and_lets_them_go_again(bool ofClient)
    {
        await using var relay = RelayServer.Start(WorldOptions.Relays());
        await using var service = new FrontService(LocalService.EchoAsync);
        await using var tunnel = await Device.Tunnel.StartAsync(WorldOptions.Tunnels(relay.Listen[0].Port, "tcp", service.Target), cancellationToken: Token);
        using var transfers = await RunningTransfers.StartAsync(relay.TcpPort[0], 4, 25_000_000);

        // 200 MB, there and back: what is left of each would take days.
        Change(relay, limits => ofClient ? limits with { ClientBytesPerSecond = 10 } : limits with { DeviceBytesPerSecond = 10 });
        transfers.LetGo();
        var limit = ofClient ? "client bytes per second" : "device bytes per second";
        await Until.TrueAsync(() => relay.LimitedBy.GetValueOrDefault(limit) >= 4);
        Assert.False(transfers.HaveEnded);
        Assert.Equal(4, relay.ClientCount);

        // Whoever waits by the old rate goes on by the new one.
        Change(relay, limits => limits with { ClientBytesPerSecond = 0, DeviceBytesPerSecond = 0 });
        await transfers.FinishAsync();
        Assert.Equal(0, relay.RefusedCount);
    }

    [Fact]
    public async Task A_bound_keeps_new_clients_out_and_ends_none()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var port = world.Relay.TcpPort[0];
        var (one, ofOne) = await MemoryWorld.ConnectAsync(link, port);
        var (two, _) = await MemoryWorld.ConnectAsync(link, port);
        foreach (var bound in new Func<RelayLimits, RelayLimits>[]
        {
            limits => limits with { MaxClients = 1 },
            limits => limits with { MaxClientsPerDevice = 1 },
            limits => limits with { MaxClientsPerAddress = 1 },
            limits => limits with { AllowedClients = [IPNetwork.Parse("192.0.2.0/24")] },
            limits => limits with { DeniedClients = [IPNetwork.Parse("127.0.0.0/8")] },
        })
        {
            Change(world.Relay, bound);
            await MemoryWorld.IsResetAsync(port);
            Assert.Equal(2, world.Relay.ClientCount);
            Change(world.Relay, _ => new RelayLimits());
        }

        var (three, _) = await MemoryWorld.ConnectAsync(link, port);
        Assert.True(await link.SendFrameAsync(FrameKind.Message, ofOne.SocketId!, new byte[] { 7 }, Token));
        await LocalService.ReadExactlyAsync(one, new byte[1]);
        one.Dispose();
        two.Dispose();
        three.Dispose();
    }

    [Fact]
    public async Task A_shorter_idle_time_out_is_looked_for_soon()
    {
        await using var world = new MemoryWorld();
        var link = await world.ConnectLinkAsync();
        var (client, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        Change(world.Relay, limits => limits with { ClientIdleTimeout = TimeSpan.FromSeconds(1) });
        world.Time.Advance(TimeSpan.FromSeconds(1.6));
        Assert.Equal(ErrorCode.Idle, (await link.ReceiveFrameAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token))!.Code);
        await MemoryWorld.IsResetAsync(client);

        // Asked for again and again, the look still comes.
        var (other, _) = await MemoryWorld.ConnectAsync(link, world.Relay.TcpPort[0]);
        for (var i = 0; i < 200; i++)
        {
            Change(world.Relay, limits => limits with { ClientIdleTimeout = TimeSpan.FromSeconds(1) });
            world.Time.Advance(TimeSpan.FromMilliseconds(10));
        }

        await MemoryWorld.IsResetAsync(other);
    }

    [Fact]
    public void What_others_take_behind_it_does_not_make_a_wait_longer_and_a_rate_counts_from_its_change()
    {
        var time = new ManualTime();
        var rate = 100.0;
        var bucket = new RateBucket(() => rate, TimeSpan.FromSeconds(1), time);
        var first = bucket.Take(300);
        var second = bucket.Take(500);
        Assert.Equal((2.0, 7.0), (bucket.WaitFor(first).TotalSeconds, bucket.WaitFor(second).TotalSeconds));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1.0, 6.0), (bucket.WaitFor(first).TotalSeconds, bucket.WaitFor(second).TotalSeconds));
        rate = 1_000;
        Assert.Equal((0.1, 0.6), (bucket.WaitFor(first).TotalSeconds, bucket.WaitFor(second).TotalSeconds));
        rate = 10;
        Assert.Equal((10.0, 60.0), (bucket.WaitFor(first).TotalSeconds, bucket.WaitFor(second).TotalSeconds));
        rate = 0;
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (bucket.WaitFor(first), bucket.WaitFor(bucket.Take(1_000))));
    }

    private static void Change(RelayServer relay, Func<RelayLimits, RelayLimits> limits) => relay.Change(options => options with { Limits = limits(options.Limits) });
}
