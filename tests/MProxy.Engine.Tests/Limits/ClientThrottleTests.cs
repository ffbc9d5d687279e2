using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Limits;

/// <summary>How much clients move in one direction, by a clock that the test moves.</summary>
public class ClientThrottleTests
{
    private readonly ManualTime _time = new();
    private readonly RateBucket _shared;
    private readonly List<ClientThrottle.Limit> _struck = [];
    private double _clientRate;
    private double _deviceRate;

    public ClientThrottleTests() => _shared = new RateBucket(() => _deviceRate, ClientThrottle.Burst, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2_000)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    [InlineData(50_000_000)]
    public async Task One_client_moves_its_rate_and_evenly(int rate)
    {
        _clientRate = rate;
        var client = (await StartAsync())[0];
        await PassAsync(5);
        for (var second = 0; second < 10; second++)
        {
            var before = client.Moved;
            await PassAsync(1);
            Assert.InRange(client.Moved - before, rate * 0.9 - 1024, rate * 1.1 + 1024);
        }

        Assert.InRange(client.Moved, rate * 15 * 0.9, rate * 15 * 1.1);
        Assert.All(_struck, limit => Assert.Equal(ClientThrottle.Limit.Client, limit));
        Assert.NotEmpty(_struck);
    }

    [Fact]
    public async Task Clients_of_one_device_share_its_rate_evenly()
    {
        _deviceRate = 1_000_000;
        var clients = await StartAsync(10);

        // What had been saved up is the first one's.
        await PassAsync(1);
        var before = clients.Select(client => client.Moved).ToArray();
        await PassAsync(10);
        Assert.InRange(clients.Sum(client => client.Moved), 11_000_000 * 0.9, 11_000_000 * 1.1);
        Assert.All(clients.Zip(before), entry => Assert.InRange(entry.First.Moved - entry.Second, 1_000_000 * 0.9, 1_000_000 * 1.1));
        Assert.All(_struck, limit => Assert.Equal(ClientThrottle.Limit.Device, limit));
        Assert.NotEmpty(_struck);
    }

    [Fact]
    public async Task What_a_client_may_not_use_of_its_devices_rate_is_there_for_others()
    {
        _deviceRate = 1_000_000;
        _clientRate = 400_000;
        var alone = (await StartAsync())[0];
        await PassAsync(5);
        Assert.InRange(alone.Moved, 2_000_000 * 0.9, 2_000_000 * 1.1);
        var others = await StartAsync(3);
        var before = alone.Moved;
        await PassAsync(10);
        Assert.InRange(alone.Moved - before + others.Sum(client => client.Moved), 10_000_000 * 0.9, 10_000_000 * 1.1);
        Assert.All(others, client => Assert.InRange(client.Moved, 2_500_000 * 0.9, 2_500_000 * 1.1));
    }

    [Fact]
    public async Task A_rate_that_changes_holds_for_who_waits_already()
    {
        _clientRate = 1;
        var client = (await StartAsync())[0];
        await PassAsync(100);

        // It would wait for a quarter of an hour.
        Assert.InRange(client.Moved, 0, 1024);
        Assert.True(client.Throttle.IsWaiting(long.MaxValue));
        _clientRate = 1_000_000;
        await PassAsync(11);
        Assert.InRange(client.Moved, 10_000_000 * 0.9, 11_000_000 * 1.1);
        _clientRate = 100_000;
        var before = client.Moved;
        await PassAsync(10);
        Assert.InRange(client.Moved - before, 1_000_000 * 0.9, 1_000_000 * 1.1);
    }

    [Fact]
    public async Task A_limit_that_is_taken_away_lets_go_and_one_that_comes_back_holds()
    {
        _clientRate = 1;
        var client = (await StartAsync(most: 1_000_000))[0];
        await PassAsync(10);
        _clientRate = 0;
        await PassAsync(1);
        Assert.InRange(client.Moved, 1_000_000, 1_000_000 + (64 << 10));
        Assert.False(client.Throttle.IsOn);
        Assert.Equal((true, false), (client.Throttle.IsWaiting(since: 0), client.Throttle.IsWaiting(long.MaxValue)));
        _clientRate = 100_000;
        var next = (await StartAsync())[0];
        await PassAsync(10);
        Assert.InRange(next.Moved, 1_000_000 * 0.9, 1_000_000 * 1.1);
    }

    [Fact]
    public async Task Even_a_rate_of_one_byte_for_a_thousand_clients_is_waited_for()
    {
        _deviceRate = 1;
        var clients = await StartAsync(1000, most: 64 << 10, piece: 64 << 10);
        await PassAsync(5);
        Assert.All(clients, client => Assert.False(client.Running.IsCompleted));
        _deviceRate = 0;
        await PassAsync(1.5);
        Assert.All(clients, client => Assert.Equal(64 << 10, client.Moved));
    }

    [Fact]
    public async Task Nobody_waits_for_bytes_of_a_client_that_is_over()
    {
        _deviceRate = 100_000;
        using var over = new CancellationTokenSource();
        var gone = await StartAsync(1000, piece: 64 << 10, stopping: over.Token);
        await PassAsync(1);
        var client = (await StartAsync())[0];
        await over.CancelAsync();
        foreach (var one in gone)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.Running.WaitAsync(TimeSpan.FromSeconds(20), Token));
            Assert.False(one.Throttle.IsWaiting(long.MaxValue));
        }

        await PassAsync(10);
        Assert.InRange(client.Moved, 1_000_000 * 0.8, 1_000_000 * 1.1);
    }

    [Fact]
    public async Task A_keystroke_goes_ahead_of_what_others_move_in_bulk()
    {
        _deviceRate = 1_000_000;
        var bulk = await StartAsync(50);
        var typing = NewThrottle();
        for (var key = 0; key < 100; key++)
        {
            await PassAsync(0.1);
            var typed = typing.SpendAsync(50, Token).AsTask();
            Assert.True(typed.IsCompletedSuccessfully);
            await typed;
        }

        Assert.InRange(bulk.Sum(client => client.Moved), 10_000_000 * 0.9, 10_000_000 * 1.1);
    }

    [Fact]
    public async Task Datagrams_have_room_beside_what_others_move_in_bulk_and_leave_them_half()
    {
        _deviceRate = 1_000_000;
        var bulk = await StartAsync(50);
        var datagrams = NewThrottle();
        var through = 0;
        for (var i = 0; i < 1000; i++)
        {
            await PassAsync(0.01);
            for (var sent = 0; sent < 100; sent++)
            {
                through += datagrams.TrySpend(1000) ? 1000 : 0;
            }
        }

        Assert.InRange(through, 5_000_000 * 0.9, 5_000_000 * 1.1);
        Assert.InRange(bulk.Sum(client => client.Moved), 5_000_000 * 0.8, 5_000_000 * 1.2);
        Assert.Contains(ClientThrottle.Limit.Device, _struck);
    }

    [Fact]
    public void A_datagram_that_is_dropped_costs_nothing()
    {
        _clientRate = 4_000;
        _deviceRate = 1_000_000;
        var datagrams = NewThrottle();
        Assert.True(datagrams.TrySpend(900));
        for (var i = 0; i < 10_000; i++)
        {
            Assert.False(datagrams.TrySpend(900));
        }

        // The first is all that the device has moved, and the client may again as soon as if it had not tried.
        Assert.True(_shared.TryTake(249_100));
        Assert.False(_shared.TryTake(1));
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(datagrams.TrySpend(900));
    }

    [Fact]
    public async Task Without_a_limit_nobody_waits_and_nothing_is_told()
    {
        var throttle = NewThrottle();
        Assert.False(throttle.IsOn);
        for (var i = 0; i < 1000; i++)
        {
            await throttle.SpendAsync(int.MaxValue, Token);
            Assert.True(throttle.TrySpend(int.MaxValue));
        }

        Assert.Equal(int.MaxValue, throttle.Piece);
        Assert.Empty(_struck);
    }

    [Theory]
    [InlineData(0, 0, int.MaxValue)]
    [InlineData(1, 0, 1_024)]
    [InlineData(160_000, 0, 10_000)]
    [InlineData(160_000, 80_000, 5_000)]
    [InlineData(0, 1_000_000_000, 65_536)]
    public void Pieces_are_a_sixteenth_of_what_a_second_lets_through(double client, double device, int piece)
    {
        (_clientRate, _deviceRate) = (client, device);
        Assert.Equal(piece, NewThrottle().Piece);
    }

    private ClientThrottle NewThrottle() => new(
        new LinkClient(new FrameMeta { Family = "IPv4", Address = "10.0.0.1", Port = 1, Service = "tcp" }),
        () => _clientRate,
        _shared,
        (_, limit) => _struck.Add(limit),
        _time);

    private async Task<Mover[]> StartAsync(int count = 1, long most = long.MaxValue, int? piece = null, CancellationToken? stopping = null)
    {
        Mover[] movers = [.. Enumerable.Range(0, count).Select(_ => new Mover(NewThrottle()))];
        await Task.Run(() => Array.ForEach(movers, mover => mover.Running = mover.RunAsync(most, piece, stopping ?? Token)));
        return movers;
    }

    /// <summary>On a thread of the pool, where whoever has waited goes on at once: when the time has passed, all have moved what they could.</summary>
    private Task PassAsync(double seconds) => Task.Run(() => _time.Advance(TimeSpan.FromSeconds(seconds)));

    /// <summary>A client that moves whatever it may.</summary>
    private sealed class Mover(ClientThrottle throttle)
    {
        public ClientThrottle Throttle => throttle;

        public Task Running { get; set; } = Task.CompletedTask;

        public long Moved { get; private set; }

        public async Task RunAsync(long most, int? piece, CancellationToken stopping)
        {
            while (Moved < most)
            {
                var length = piece ?? Math.Min(throttle.Piece, 64 << 10);
                await throttle.SpendAsync(length, stopping).ConfigureAwait(false);
                Moved += length;
            }
        }
    }
}
