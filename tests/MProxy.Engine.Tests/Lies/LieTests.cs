using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MProxy.Engine.Tests.Lies;

/// <summary>
/// Sessions with a peer that lies, over real sockets, beside others that do not. MPROXY_LIES_SEEDS=FIRST-LAST plays others; a seed that fails is named with
/// what it did, and replays. Even seeds lie as devices, odd ones as relays.
/// </summary>
[Collection("measured")]
public sealed partial class LieTests(ITestOutputHelper output)
{
    private const int Usual = 300;
    private const int AtOnce = 6;
    private const int Parts = 12;
    private const long MostGrown = 8 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Whatever_a_peer_says_others_have_their_bytes_and_nothing_is_left()
    {
        var (first, last) = Seeds();
        ConcurrentBag<string> broken = [];
        ConcurrentBag<string> unobserved = [];
        ConcurrentDictionary<string, int> ends = new();
        List<long> heaps = [];
        var count = last - first + 1;
        var (moves, honest, slowest) = (0L, 0L, TimeSpan.Zero);
        var watch = Stopwatch.StartNew();

        // What others have left is theirs.
        CollectAll();
        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            for (var part = 0; part < Parts; part++)
            {
                await RunAsync(first + (int)((long)count * part / Parts), first + (int)((long)count * (part + 1) / Parts));
                CollectAll();
                heaps.Add(GC.GetTotalMemory(forceFullCollection: true));
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }

        output.WriteLine($"{count} sessions, {moves} moves of {LyingScript.Count} kinds in {watch.Elapsed.TotalSeconds:0.0} s: {honest} honest clients, the slowest {slowest.TotalMilliseconds:0} ms; the heap had {string.Join(", ", heaps.Select(heap => heap >> 20))} MiB in its parts.");
        output.WriteLine($"{ends.Count} names of ends, of which the most frequent are:");
        output.WriteLine(string.Join(Environment.NewLine, ends.OrderByDescending(end => end.Value).Take(30).Select(end => $"{end.Value,6} {end.Key}")));
        Assert.True(broken.IsEmpty, $"{broken.Count} seeds: {string.Join(Environment.NewLine, broken.Order(StringComparer.Ordinal).Take(50))}");
        Assert.True(unobserved.IsEmpty, $"{unobserved.Count} exceptions that nobody has seen: {string.Join(Environment.NewLine, unobserved.Take(3))}");
        Assert.InRange(heaps.TakeLast(Parts / 4).Min() - heaps.Skip(Parts / 4).Take(Parts / 4).Max(), long.MinValue, MostGrown);

        // What was to be tried was.
        Assert.True(ends.Count > 10 && honest >= count, "Too little was tried.");

        async Task RunAsync(int from, int to)
        {
            await Parallel.ForAsync(from, to, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken }, async (seed, _) =>
            {
                using LyingSession session = seed % 2 == 0 ? new LyingDeviceSession(seed) : new LyingRelaySession(seed);
                try
                {
                    await session.RunAsync().WaitAsync(Patience, TestContext.Current.CancellationToken);
                }
                catch (Exception error) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
                {
                    broken.Add($"seed {seed} ({session.Trace}): {error}");
                }

                lock (broken)
                {
                    moves += session.Moves;
                    honest += session.HonestCount;
                    slowest = session.Slowest > slowest ? session.Slowest : slowest;
                }

                foreach (var end in session.Ends.Select(end => Digits().Replace(end, "#")))
                {
                    ends.AddOrUpdate(end, 1, (_, count) => count + 1);
                }
            });
        }

        void Note(object? sender, UnobservedTaskExceptionEventArgs unseen) => unobserved.Add($"{unseen.Exception}");
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();

    private static void CollectAll()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static (int First, int Last) Seeds() => Environment.GetEnvironmentVariable("MPROXY_LIES_SEEDS")?.Split('-') is [var first, var last]
        ? (int.Parse(first, CultureInfo.InvariantCulture), int.Parse(last, CultureInfo.InvariantCulture))
        : (1, Usual);
}
