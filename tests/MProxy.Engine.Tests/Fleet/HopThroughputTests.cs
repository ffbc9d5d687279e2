using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Flow;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>What the way over another relay costs, beside the direct one in the same run.</summary>
[Collection("measured")]
public sealed class HopThroughputTests(ITestOutputHelper output)
{
    private const double Least = 0.55;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hop_keeps_more_than_half_of_the_throughput(bool isDown)
    {
        await using var world = new FleetWorld();
        var (here, there) = (await world.AddRelayAsync("r1", FleetWorld.WithoutTokens), await world.AddRelayAsync("r2", FleetWorld.WithoutTokens));
        await world.AddDeviceAsync(world.AddService(isDown ? LocalService.FloodAsync : LocalService.IgnoreAsync).Target, new Grant(), there);
        await world.SettledAsync();

        // Whatever else this machine does may spoil a series; a hop that is slow spoils all of them.
        List<double> medians = [];
        while (medians.Count < 3 && !medians.Exists(median => median >= Least))
        {
            List<(double Direct, double Hop)> pairs = [];
            for (var run = 0; run < 5; run++)
            {
                pairs.Add((await MeasureAsync(there, isDown), await MeasureAsync(here, isDown)));
            }

            medians.Add(pairs.Select(pair => pair.Hop / pair.Direct).Order().ElementAt(2));
            output.WriteLine($"{(isDown ? "down" : "up")}: {string.Join(", ", pairs.Select(pair => $"{pair.Hop / 1e6:0} of {pair.Direct / 1e6:0} MB/s"))}; median {medians[^1]:0.00}");
        }

        Assert.True(medians[^1] >= Least, $"The medians of {medians.Count} series are {string.Join(", ", medians)}.");
    }

    private static async Task<double> MeasureAsync(RelayServer relay, bool isDown)
    {
        using var client = await TcpSocket.ConnectAsync("127.0.0.1", relay.TcpPort[0], FleetWorld.Token);
        var buffer = new byte[256 << 10];
        await MoveAsync(client, isDown, buffer, TimeSpan.FromMilliseconds(200));
        var since = Stopwatch.GetTimestamp();
        var moved = await MoveAsync(client, isDown, buffer, Length);
        var rate = moved / Stopwatch.GetElapsedTime(since).TotalSeconds;
        TcpSocket.ResetOnClose(client);
        return rate;
    }

    private static async Task<long> MoveAsync(Socket client, bool isDown, byte[] buffer, TimeSpan length)
    {
        var since = Stopwatch.GetTimestamp();
        long moved = 0;
        while (Stopwatch.GetElapsedTime(since) < length)
        {
            moved += isDown ? await client.ReceiveAsync(buffer, FleetWorld.Token) : await client.SendAsync(buffer, FleetWorld.Token);
        }

        return moved;
    }
}
