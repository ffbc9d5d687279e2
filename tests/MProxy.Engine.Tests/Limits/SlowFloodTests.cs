using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Tests.Carriers;
using MProxy.Engine.Tests.Front;

namespace MProxy.Engine.Tests.Limits;

/// <summary>
/// A thousand peers that say a byte now and then of what never comes to its end, and ten thousand that say nothing, at every port there is: they are over
/// in time, take a bounded number of places, and hold up nobody.
/// </summary>
[Collection("measured")]
public sealed class SlowFloodTests(ITestOutputHelper output)
{
    private const int Slow = 1_000;
    private const int Silent = 10_000;
    private const int OfAddress = 100;

    // Two for each, and what else there is.
    private const int MostDescriptors = Silent + 6_000;

    // The honest clients beside have no longer either, and wait while all others come at once.
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(4);

    // A scraper has as long, whatever devices and clients have.
    private static readonly TimeSpan OfMetrics = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(200);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tcp", "\u00fe\u00ff")]
    [InlineData("ws", "GET / HTTP/1.1\r\n")]
    [InlineData("tls", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001")]
    [InlineData("Tls", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001")]
    [InlineData("Http", "GET / HTTP/1.1\r\nHost: d.test\r\n")]
    [InlineData("Mixed", "GET / HTTP/1.1\r\nHost: d.test\r\n")]
    [InlineData("metrics", "GET /metrics HTTP/1.1\r\n")]
    public Task Who_says_a_byte_at_a_time_is_over_in_time_and_holds_up_nobody(string port, string begins) =>
        FloodAsync(port, Slow, (peer, ended, stopping) => TrickleAsync(peer, ended, begins, stopping));

    [Theory]
    [InlineData("tcp")]
    [InlineData("ws")]
    [InlineData("tls")]
    [InlineData("Tls")]
    [InlineData("Http")]
    [InlineData("Mixed")]
    [InlineData("metrics")]
    public async Task Who_says_nothing_is_over_in_time_and_holds_up_nobody(string port)
    {
        var allowed = await Programs.OutputAsync("sh", "-c", "ulimit -n");
        Assert.SkipUnless(allowed.Trim() is "unlimited" || int.Parse(allowed, CultureInfo.InvariantCulture) >= MostDescriptors, $"It takes {MostDescriptors} descriptors, and this machine allows {allowed.Trim()}.");
        await FloodAsync(port, Silent, (_, _, _) => Task.CompletedTask);
    }

    private async Task FloodAsync(string port, int peers, Func<FrontClient, Task, CancellationToken, Task> sayAsync)
    {
        var isOfDevices = port is "tcp" or "ws" or "tls";
        await using var world = new FrontWorld(options => options with
        {
            Listen = isOfDevices ? [CarrierUri.Parse($"{port}://127.0.0.1:0")] : options.Listen,
            Carrier = new ListenOptions { Certificate = TestCertificate.Relay, HandshakeTimeout = Handshake },
            TokenTimeout = Handshake,
            MetricsEndPoint = new IPEndPoint(IPAddress.Loopback, 0),
        });
        await world.AddWebAsync("d.test");
        var quiet = await SlowestAsync(world, 50, Task.CompletedTask);
        var heap = GC.GetTotalMemory(forceFullCollection: true);

        var number = isOfDevices ? world.Relay.Listen[0].Port : port == "metrics" ? world.Relay.MetricsEndPoint!.Port : world.PortOf(port);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);

        // One thread begins them all: as many tasks at once would let the honest clients of this process wait for its threads, not for the relay.
        var flood = Task.Run(() => Task.WhenAll(Enumerable.Range(0, peers).Select(peer => ComeAsync(number, $"127.0.0.{2 + (peer / OfAddress)}", sayAsync, stopping.Token))), Token);
        var coming = isOfDevices ? ComeAsDeviceAsync(world) : Task.FromResult(TimeSpan.Zero);
        var (pending, arrivals, most) = (0, 0, 0L);
        var watching = Task.Run(async () =>
        {
            while (!flood.IsCompleted)
            {
                pending = Math.Max(pending, world.Relay.Pending.Count);
                arrivals = Math.Max(arrivals, world.Relay.Admission.Arrivals.Count);
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false) - heap);
                await Task.WhenAny(flood, Task.Delay(TimeSpan.FromMilliseconds(50), Token));
            }
        }, Token);
        var beside = await SlowestAsync(world, 50, flood);
        var lasted = await flood;
        await watching;
        var came = await coming;

        output.WriteLine(FormattableString.Invariant(
            $"{port}, {peers}: over after {lasted.Max().TotalSeconds:0.0} s at most; {pending} strangers and {arrivals} arrivals at once, {most / 1e6:0.0} MB more; an honest client {beside.TotalMilliseconds:0} ms at most, {quiet.TotalMilliseconds:0} before; a device was in after {came.TotalMilliseconds:0} ms."));
        Assert.InRange(lasted.Max(), TimeSpan.Zero, (port == "metrics" ? OfMetrics : Handshake) + TimeSpan.FromSeconds(10));
        Assert.InRange(pending, isOfDevices ? 1 : 0, 512);

        // How many are there at once is up to how fast they come.
        Assert.InRange(arrivals, port is "Tls" or "Http" or "Mixed" ? 300 : 0, 4096);
        Assert.InRange(most, long.MinValue, 128 << 20);
        Assert.InRange(beside, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(came, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        await Until.TrueAsync(() => (world.Relay.Pending.Count, world.Relay.Admission.Arrivals.Count) == (0, 0));
    }

    /// <summary>A device with a token comes where the flood does, and serves; how long that took.</summary>
    private static async Task<TimeSpan> ComeAsDeviceAsync(FrontWorld world)
    {
        await Until.TrueAsync(() => world.Relay.Pending.Count > 50);
        var since = Stopwatch.GetTimestamp();
        await world.AddWebAsync("late.test");
        return Stopwatch.GetElapsedTime(since);
    }

    /// <summary>Comes, and says something or not, until the relay has enough of it.</summary>
    /// <returns>How long that was.</returns>
    private static async Task<TimeSpan> ComeAsync(int port, string from, Func<FrontClient, Task, CancellationToken, Task> sayAsync, CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        try
        {
            using var peer = await FrontClient.ConnectAsync(port, from);
            var ended = HearAsync(peer, cancellationToken);
            await sayAsync(peer, ended, cancellationToken);
            await ended;
        }
        catch (SocketException)
        {
            // Reset, or refused at once.
        }

        return Stopwatch.GetElapsedTime(since);
    }

    /// <summary>Hears whatever it is told, up to the end: a relay greets whoever may be a device.</summary>
    private static async Task HearAsync(FrontClient peer, CancellationToken cancellationToken)
    {
        var told = new byte[256];
        while (await peer.Socket.ReceiveAsync(told, cancellationToken) > 0)
        {
        }
    }

    /// <summary>Says a byte now and then.</summary>
    private static async Task TrickleAsync(FrontClient peer, Task ended, string begins, CancellationToken cancellationToken)
    {
        for (var said = 0; !ended.IsCompleted; said++)
        {
            await peer.SendAsync($"{(said < begins.Length ? begins[said] : 'x')}");
            await Task.WhenAny(ended, Task.Delay(Between, cancellationToken));
        }
    }

    /// <summary>Honest requests now and then, so many at least and as long as the flood lasts: how long one took at most.</summary>
    private static async Task<TimeSpan> SlowestAsync(FrontWorld world, int count, Task flood)
    {
        var slowest = TimeSpan.Zero;
        for (var asked = 0; asked < count || !flood.IsCompleted; asked++)
        {
            var took = await world.TimeRequestAsync("d.test");
            slowest = took > slowest ? took : slowest;

            // One behind the other, they would take all ports of this machine.
            await Task.Delay(TimeSpan.FromMilliseconds(20), Token);
        }

        return slowest;
    }
}
