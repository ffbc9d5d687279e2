using System.Diagnostics;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Lies;

/// <summary>Whoever says one thing without end costs a bounded amount of memory and of processor time, and holds up nobody.</summary>
[Collection("measured")]
public sealed class FloodTests(ITestOutputHelper output)
{
    private const int Toggles = 1_000_000;
    private const int Batch = 1000;
    private const long MostHeld = 4 << 20;

    // What a toggle costs both sides together, the liar's included: hardly more than one on most machines.
    private static readonly TimeSpan MostForToggle = TimeSpan.FromMicroseconds(10);

    // The honest clients beside cost processor time too, which is not to count.
    private static readonly TimeSpan BetweenHonest = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan MostForOthers = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_is_paused_and_resumed_a_million_times_goes_on_and_holds_up_nobody()
    {
        await using var world = await LiedToRelay.StartAsync();
        await using var liar = await world.DialDeviceAsync();
        var (client, identity) = await world.ConnectAsync();
        using var closing = client;
        var place = $"{world.LyingPort},";
        var toggles = Enumerable.Repeat((byte[])[.. RawFrame.Client(identity, "pause", place), .. RawFrame.Client(identity, "resume", place)], Batch).SelectMany(one => one).ToArray();
        var (watch, before) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        var slowest = await world.AskWhileAsync(Task.Run(
            async () =>
            {
                for (var i = 0; i < Toggles; i += Batch)
                {
                    await liar.SendAsync(toggles);
                    await client.SendAsync(new byte[1], Token);
                }

                // All of it is read.
                await Until.TrueAsync(() => world.Relay.Registry.Links.Sum(link => link.Connection.Traffic.PausesIn) == Toggles);
            },
            Token),
            BetweenHonest);
        var took = Process.GetCurrentProcess().TotalProcessorTime - before;
        output.WriteLine($"{Toggles} toggles in {watch.Elapsed.TotalSeconds:0.0} s, {took.TotalMicroseconds / Toggles:0.0} µs of processor each; the slowest other client took {slowest.TotalMilliseconds:0} ms.");
        Assert.InRange(took, TimeSpan.Zero, MostForToggle * Toggles);
        Assert.InRange(slowest, TimeSpan.Zero, MostForOthers);

        // The last word was resume.
        var link = world.Relay.Registry.Links.Single(one => one.Connection.Traffic.PausesIn > 0).Connection;
        await Until.TrueAsync(() => link.BytesOf(link.Find(identity)!).Sent == Toggles / Batch);
    }

    /// <summary>What is said 100,000 times on a link that shows no token, or that the relay takes for a device; each time as another client, or with another id.</summary>
    public static TheoryData<string, bool> Floods() => new()
    {
        { "message", false },
        { "message", true },
        { "pause", true },
        { "end", true },
        { "connection", true },
        { "ping", false },
        { "command", false },
        { "reply", false },
        { "report", true },
    };

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task What_is_said_without_end_leaves_nothing_that_grows(string what, bool isDevice)
    {
        const int Times = 100_000;
        const int WarmUp = 20_000;
        const int Rounds = 5;
        await using var world = await LiedToRelay.StartAsync(options: options => options with { TokenTimeout = TimeSpan.FromMinutes(1) });
        await using var liar = await (isDevice ? world.DialDeviceAsync() : world.DialAsync());
        await liar.SayAsync("[-1,null]");
        await world.AskWhileAsync(Task.Run(() => SayAsync(0, WarmUp), Token));

        // Each thread keeps buffers that it has used: the heap may grow where one is new. Of what is left behind by what is said it grows in each round.
        var (grown, said) = (long.MaxValue, WarmUp);
        for (var round = 0; round < Rounds && grown > MostHeld; round++, said += Times)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var slowest = await world.AskWhileAsync(Task.Run(() => SayAsync(said, said + Times), Token));
            grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            output.WriteLine($"{what}: {grown >> 10} KiB after {Times}; the slowest other client took {slowest.TotalMilliseconds:0} ms.");
            Assert.InRange(slowest, TimeSpan.Zero, MostForOthers);
        }

        Assert.Equal(2, world.Relay.Registry.Links.Length);
        Assert.InRange(grown, long.MinValue, MostHeld);

        async Task SayAsync(int from, int to)
        {
            for (var i = from; i < to; i += Batch)
            {
                await liar.SendAsync(Enumerable.Range(i, Batch).SelectMany(number => Frame(what, number)).ToArray());

                // All of it is heard, and answered: one that does not read is another test's.
                await liar.HearAsync("[777777,\"ping\"]", "[-777777,null]");
            }
        }
    }

    private static byte[] Frame(string what, int number) => what switch
    {
        "message" => RawFrame.Client(Identity(number), "tcp", "80,", "x"u8),
        "connection" => RawFrame.Client(Identity(number), what, "80,,tcp"),
        "pause" or "end" => RawFrame.Client(Identity(number), what, "80,"),
        "ping" => RawFrame.Control($"[{number + 5000},\"ping\"]"),
        "command" => RawFrame.Control($"[{number + 5000},\"no{number}\"]"),
        "reply" => RawFrame.Control($"[-{number + 5000},null]"),
        _ => RawFrame.Control($"[0,{{\"message\":\"number {number}\",\"code\":\"E_{number}\"}}]"),
    };

    private static string Identity(int number) => $"IPv4,198.51.{number >> 16}.{(number >> 8) & 255},{number & 65535}";
}
