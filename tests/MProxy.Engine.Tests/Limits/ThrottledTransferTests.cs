using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Flow;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Clients of a relay with limits of bytes, over real sockets: what goes through is the rate times the time.</summary>
[Collection("measured")]
public class ThrottledTransferTests(ITestOutputHelper output)
{
    private const int Rate = 4_000_000;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(2);

    private long _moved;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_has_its_rate(bool isDownload)
    {
        await using var world = await StartAsync(new RelayLimits { ClientBytesPerSecond = Rate }, isDownload);
        using var client = await TransferAsync(world, isDownload);
        await HasRateAsync(Rate);
        Assert.Equal(["client bytes per second"], world.Relay.LimitedBy.Keys);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Clients_of_one_device_share_its_rate(bool isDownload)
    {
        await using var world = await StartAsync(new RelayLimits { DeviceBytesPerSecond = Rate }, isDownload);
        var clients = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TransferAsync(world, isDownload)));
        await HasRateAsync(Rate);
        Assert.Equal(["device bytes per second"], world.Relay.LimitedBy.Keys);
        Array.ForEach(clients, client => client.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_client_has_its_rate_beside_others(bool isDownload)
    {
        await using var world = await StartAsync(new RelayLimits { ClientBytesPerSecond = Rate / 4 }, isDownload);
        var clients = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TransferAsync(world, isDownload)));
        await HasRateAsync(Rate);
        Array.ForEach(clients, client => client.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rate_that_changes_holds_for_transfers_that_run(bool isDownload)
    {
        await using var world = await StartAsync(new RelayLimits { ClientBytesPerSecond = 1000 }, isDownload);
        using var client = await TransferAsync(world, isDownload);
        Set(world, new RelayLimits { ClientBytesPerSecond = Rate });
        await HasRateAsync(Rate);
        Set(world, new RelayLimits { DeviceBytesPerSecond = Rate / 2 });
        await HasRateAsync(Rate / 2);
        Set(world, new RelayLimits());
        await PassAsync(TimeSpan.FromSeconds(1.5));
        var before = Interlocked.Read(ref _moved);
        await PassAsync(TimeSpan.FromSeconds(1));
        var moved = Interlocked.Read(ref _moved) - before;
        Assert.True(moved > 4 * Rate, $"Without a limit {moved} bytes went through in a second.");
        Set(world, new RelayLimits { ClientBytesPerSecond = Rate });
        await HasRateAsync(Rate);
    }

    [Fact]
    public async Task A_client_that_is_slowed_down_holds_up_nobody()
    {
        await using var world = await World.StartAsync(
            async local =>
            {
                // Who says much is echoed, who says one byte is flooded.
                var first = new byte[5];
                if (await local.ReceiveAsync(first, Token) == 1)
                {
                    await LocalService.FloodAsync(local);
                }

                await LocalService.SendAllAsync(local, first, 5);
                await LocalService.EchoAsync(local);
            },
            new WorldOptions { Relay = options => options with { Limits = new RelayLimits { ClientBytesPerSecond = 20_000 } } });
        using var slow = await world.ConnectAsync();
        await slow.SendAsync(new byte[1], Token);
        await Until.TrueAsync(() => world.Relay.LimitedBy.ContainsKey("client bytes per second") && world.Relay.Registry.Links[0].Connection.Waiting > 1 << 20);
        using var client = await world.ConnectAsync();
        var buffer = new byte[5];
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 200; i++)
        {
            await client.SendAsync(buffer, Token);
            await LocalService.ReadExactlyAsync(client, buffer).WaitAsync(TimeSpan.FromSeconds(20), Token);
        }

        output.WriteLine($"200 round trips beside it in {clock.ElapsedMilliseconds} ms");

        // The high mark, and what was in flight.
        Assert.InRange(world.Relay.Registry.Links[0].Connection.Waiting, 1, 16 << 20);
    }

    [Fact]
    public async Task All_that_was_sent_arrives_and_in_order_however_slowly()
    {
        var sent = new byte[700_000];
        new Random(1).NextBytes(sent);
        await using var world = await World.StartAsync(
            LocalService.EchoAsync, new WorldOptions { Relay = options => options with { Limits = new RelayLimits { ClientBytesPerSecond = 500_000, DeviceBytesPerSecond = 600_000 } } });
        var clock = Stopwatch.StartNew();
        Assert.Equal(sent, await world.ExchangeAsync(sent, 10_000));

        // What may be saved up goes at once.
        Assert.InRange(clock.Elapsed.TotalSeconds, (700_000 / 500_000.0) - 0.3, 20);
    }

    [Fact]
    public async Task A_client_that_leaves_while_it_waits_is_let_go_at_once()
    {
        await using var world = await StartAsync(new RelayLimits { ClientBytesPerSecond = 1, DeviceBytesPerSecond = 1 }, isDownload: true);
        for (var i = 0; i < 20; i++)
        {
            using var client = await TransferAsync(world, isDownload: true);
            await Until.TrueAsync(() => world.Relay.LimitedBy.Values.Sum() > i);
            client.LingerState = new LingerOption(true, 0);
        }

        // A reset is noticed where the relay reads, which a limit of the other direction does not keep it from.
        await Until.TrueAsync(() => world.Relay.Admission.Count == 0);
        Assert.InRange(world.Relay.Ledger.Buffers, 0, 2);
    }

    private static void Set(World world, RelayLimits limits) => world.Relay.Settings.Current = world.Relay.Settings.Current with { Limits = limits };

    private static Task PassAsync(TimeSpan length) => Task.Delay(length, Token);

    private Task<World> StartAsync(RelayLimits limits, bool isDownload) => World.StartAsync(
        isDownload ? LocalService.FloodAsync : CountAsync,
        new WorldOptions { Relay = options => options with { Limits = limits } });

    /// <summary>A client that moves bytes one way as fast as they go.</summary>
    private async Task<Socket> TransferAsync(World world, bool isDownload)
    {
        var client = await world.ConnectAsync();
        _ = RunAsync(isDownload ? () => CountAsync(client) : () => LocalService.FloodAsync(client));
        return client;

        static async Task RunAsync(Func<Task> transfer)
        {
            try
            {
                await transfer();
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The test is over.
            }
        }
    }

    /// <summary>Counted is what arrives: what is sent may be on its way for long.</summary>
    private async Task CountAsync(Socket socket)
    {
        var buffer = new byte[64 << 10];
        for (int count; (count = await socket.ReceiveAsync(buffer, Token)) > 0;)
        {
            Interlocked.Add(ref _moved, count);
        }
    }

    /// <summary>Once what was saved up, and what the system holds, is through. Whatever else this machine does may spoil one measurement, but not three.</summary>
    private async Task HasRateAsync(double rate)
    {
        List<double> ratios = [];
        await PassAsync(TimeSpan.FromSeconds(1.5));
        do
        {
            var clock = Stopwatch.StartNew();
            var before = Interlocked.Read(ref _moved);
            await PassAsync(Length);
            ratios.Add((Interlocked.Read(ref _moved) - before) / clock.Elapsed.TotalSeconds / rate);
        }
        while (ratios.Count < 3 && ratios[^1] is < 0.9 or > 1.1);
        output.WriteLine($"of the rate: {string.Join(", ", ratios.Select(ratio => $"{ratio:0.000}"))}");
        Assert.InRange(ratios[^1], 0.9, 1.1);
    }
}
