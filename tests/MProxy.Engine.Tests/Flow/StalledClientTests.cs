using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Flow;

/// <summary>A client that reads nothing costs a bounded amount of memory, and nobody else anything.</summary>
[Collection("measured")]
public class StalledClientTests(ITestOutputHelper output)
{
    private static readonly LinkOptions Defaults = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Others_keep_their_throughput()
    {
        await using var world = await World.StartAsync(LocalService.FloodAsync);

        // Whatever else this machine does may spoil a series; an engine that lets a stalled client slow others down spoils all of them.
        List<double> medians = [];
        while (medians.Count < 3 && !medians.Exists(median => median >= 0.8))
        {
            medians.Add(await MedianRatioAsync(world));
        }

        Assert.True(medians[^1] >= 0.8, $"The medians of {medians.Count} series are {string.Join(", ", medians)}.");
    }

    [Fact]
    public async Task On_loopback_its_memory_is_the_high_mark_and_what_was_in_flight()
    {
        await using var world = await World.StartAsync(LocalService.FloodAsync);
        using var stalled = await StallAsync(world);
        var waiting = await SettledAsync(world);

        // In flight: the device's batch, the send buffer of its socket and the receive buffer of the relay's.
        var inFlight = (256 << 10) + KernelLimit("wmem") + KernelLimit("rmem");
        output.WriteLine($"waiting {waiting:n0} bytes in {world.Relay.Ledger.Buffers} buffers; in flight at most {inFlight:n0}");
        Assert.InRange(waiting, Defaults.LowMark + 1, Defaults.HighMark + inFlight);
        Assert.InRange(world.Relay.Ledger.Buffers, 1, 8 + (Defaults.HighMark + inFlight) / (16 << 10));
    }

    [Fact]
    public async Task Over_a_long_way_its_memory_is_the_high_mark_and_two_round_trips_worth()
    {
        var roundTrip = TimeSpan.FromMilliseconds(50);
        TcpProxy? proxy = null;
        await using var world = await World.StartAsync(LocalService.FloodAsync, new WorldOptions
        {
            Device = options => options with { Relay = (proxy = new TcpProxy(options.Relay!.Port, roundTrip / 2)).Uri },
        });
        await using var way = proxy!;
        var bandwidth = await MeasureAsync(world);
        using var stalled = await StallAsync(world);
        var waiting = await SettledAsync(world);
        var bound = Defaults.HighMark + (2 * bandwidth * roundTrip.TotalSeconds) + (256 << 10) + KernelLimit("wmem") + KernelLimit("rmem");
        output.WriteLine($"{bandwidth / 1e6:0} MB/s at 50 ms: waiting {waiting:n0} bytes, bound {bound:n0}");
        Assert.InRange(waiting, Defaults.LowMark + 1, bound);
    }

    /// <summary>Throughput beside a stalled client, of that without: the median of five pairs.</summary>
    private async Task<double> MedianRatioAsync(World world)
    {
        List<double> ratios = [];
        for (var run = 0; run < 5; run++)
        {
            var alone = await MeasureAsync(world);
            using var stalled = await StallAsync(world);
            ratios.Add(await MeasureAsync(world) / alone);
        }

        output.WriteLine($"throughput beside a stalled client, of that without: {string.Join(", ", ratios.Select(ratio => $"{ratio:0.00}"))}");
        return ratios.Order().ElementAt(2);
    }

    /// <summary>Bytes per second that one client gets.</summary>
    private static async Task<double> MeasureAsync(World world)
    {
        const int Length = 64 << 20;
        using var client = await world.ConnectAsync();
        var buffer = new byte[256 << 10];
        await LocalService.ReadExactlyAsync(client, buffer);
        var clock = Stopwatch.StartNew();
        for (var read = 0; read < Length;)
        {
            read += await client.ReceiveAsync(buffer, Token);
        }

        return Length / clock.Elapsed.TotalSeconds;
    }

    /// <summary>A client that reads nothing, once the device has been asked to pause it.</summary>
    private static async Task<Socket> StallAsync(World world)
    {
        var client = await world.ConnectAsync();
        var socketId = ClientIdentity.ToSocketId((IPEndPoint)client.LocalEndPoint!);
        await Until.TrueAsync(() => world.Relay.Registry.Links[0].Connection.Find(socketId) is { HasPausedPeer: true });

        return client;
    }

    /// <summary>What waits once nothing moves: nothing comes and nothing is delivered while control messages go there and back.</summary>
    private static async Task<long> SettledAsync(World world)
    {
        var link = world.Relay.Registry.Links[0].Connection;
        for (; ; )
        {
            var before = (link.BytesIn, link.Waiting);
            for (var i = 0; i < 20; i++)
            {
                Assert.True((await link.RequestAsync("ping")).Success);
            }

            // Short replies and nothing else. Below the low mark the client is on its way to be resumed.
            if (link.BytesIn - before.BytesIn < 2000 && link.Waiting == before.Waiting && before.Waiting > Defaults.LowMark)
            {
                return before.Waiting;
            }

            Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The most that the kernel lets a TCP buffer grow to, in bytes.</summary>
    private static long KernelLimit(string which) => OperatingSystem.IsLinux()
        ? long.Parse(File.ReadAllText($"/proc/sys/net/ipv4/tcp_{which}").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[2], System.Globalization.CultureInfo.InvariantCulture)
        : 8 << 20;
}
