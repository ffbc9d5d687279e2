using System.Diagnostics;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Relay;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Flow;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Fleet;

/// <summary>What the way over another relay costs, beside the direct one in the same run.</summary>
[Collection("measured")]
public sealed class HopThroughputTests(ITestOutputHelper output)
{
    private const double Least = 0.55;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(1);

    /// <summary>The device's link is of TLS, as that between relays, unless it is plain: then the hop adds the only TLS there is, and the ratio is told and no more.</summary>
    [Theory]
    [InlineData("tls", true)]
    [InlineData("tls", false)]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    public async Task A_hop_keeps_more_than_half_of_the_throughput(string scheme, bool isDown)
    {
        var least = scheme == "tls" ? Least : 0.4;
        await using var world = new FleetWorld();
        Func<RelayOptions, RelayOptions> plain = options => FleetWorld.WithoutTokens(options) with
        {
            Listen = [CarrierUri.Parse($"{scheme}://127.0.0.1:0")],
            Carrier = new ListenOptions { Certificate = scheme == "tls" ? TestCertificate.Relay : null },
        };
        var (here, there) = (await world.AddRelayAsync("r1", plain), await world.AddRelayAsync("r2", plain));
        await world.AddDeviceAsync(world.AddService(isDown ? LocalService.FloodAsync : LocalService.IgnoreAsync).Target, new Grant(), there);
        await world.SettledAsync();

        // Whatever else this machine does may spoil a series; a hop that is slow spoils all of them.
        List<double> medians = [];
        while (medians.Count < 3 && !medians.Exists(median => median >= least))
        {
            List<(double Direct, double Hop)> pairs = [];
            for (var run = 0; run < 5; run++)
            {
                pairs.Add((await MeasureAsync(there, isDown), await MeasureAsync(here, isDown)));
            }

            medians.Add(pairs.Select(pair => pair.Hop / pair.Direct).Order().ElementAt(2));
            output.WriteLine($"{scheme} {(isDown ? "down" : "up")}: {string.Join(", ", pairs.Select(pair => $"{pair.Hop / 1e6:0} of {pair.Direct / 1e6:0} MB/s"))}; median {medians[^1]:0.00}");
        }

        Assert.True(medians[^1] >= least, $"The medians of {medians.Count} series are {string.Join(", ", medians)}.");
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
