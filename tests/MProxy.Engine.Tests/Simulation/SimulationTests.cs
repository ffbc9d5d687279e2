using System.Diagnostics;
using System.Globalization;

namespace MProxy.Engine.Tests.Simulation;

/// <summary>Thousands of links, each with a course of its own. MPROXY_SIMULATION_SEEDS=FIRST-LAST plays others; a seed that fails is named, and replays exactly.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int StepsOfSeed = 1000;

    [Fact]
    public void Every_client_gets_the_right_bytes_or_the_first_of_them_and_a_failure()
    {
        var (first, last) = Seeds();
        var (steps, clients, failures, lost, heldBack) = (0L, 0L, 0L, 0L, 0L);
        List<string> broken = [];
        var watch = Stopwatch.StartNew();
        Parallel.For(first, last + 1, new ParallelOptions { CancellationToken = TestContext.Current.CancellationToken }, seed =>
        {
            var simulation = new Simulation(seed);
            try
            {
                simulation.Run(StepsOfSeed);
            }
            catch (Exception error)
            {
                lock (broken)
                {
                    broken.Add($"seed {seed}, step {simulation.Steps}: {(error is SimulationException ? error.Message : $"{error}")}");
                }
            }

            Interlocked.Add(ref steps, simulation.Steps);
            Interlocked.Add(ref clients, simulation.Clients);
            Interlocked.Add(ref failures, simulation.Failures);
            Interlocked.Add(ref lost, simulation.LostLinks);
            Interlocked.Add(ref heldBack, simulation.HeldBack);
        });
        output.WriteLine($"{last - first + 1} seeds, {steps} steps in {watch.Elapsed.TotalSeconds:0.0} s: {clients} clients, {failures} of them failed, {lost} links lost, {heldBack} clients held back.");
        Assert.True(broken.Count == 0, $"{broken.Count} seeds: {string.Join(Environment.NewLine, broken.Order().Take(5))}");

        // What was to be tried was.
        Assert.True(failures > 0 && failures < clients / 2 && lost > 0 && heldBack > 0);
    }

    [Fact]
    public void A_seed_replays_exactly()
    {
        var (once, again) = (new Simulation(7), new Simulation(7));
        once.Run(StepsOfSeed);
        again.Run(StepsOfSeed);
        Assert.Equal((once.Trace, once.Steps, once.Clients), (again.Trace, again.Steps, again.Clients));
    }

    private static (int First, int Last) Seeds()
    {
        const int Usual = 10_000;
        return Environment.GetEnvironmentVariable("MPROXY_SIMULATION_SEEDS")?.Split('-') is [var first, var last] ? (int.Parse(first, CultureInfo.InvariantCulture), int.Parse(last, CultureInfo.InvariantCulture)) : (1, Usual);
    }
}
