using System.Globalization;
using MProxy.Trials.Roles;

namespace MProxy.Trials.Load;

/// <summary>What processes hold from sample to sample, and whether it grows: the last quarter against the second, since the first is for pools that fill.</summary>
internal sealed class Growth(IReadOnlyList<string> names)
{
    private static readonly (string What, Func<Sample, long> Of, long Beside)[] Measures =
    [
        ("heap", sample => sample.Heap, 8 << 20),
        ("working set", sample => sample.WorkingSet, 16 << 20),
        ("descriptors", sample => sample.Descriptors, 100),
        ("pooled buffers", sample => sample.Buffers, 100),
        ("tasks", sample => sample.Loops, 100),
    ];

    private readonly List<IReadOnlyList<Sample>> _samples = [];

    public void Add(TimeSpan at, int idle, CrowdCount count, IReadOnlyList<Sample> samples)
    {
        _samples.Add(samples);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,6:0} s  {idle,6:N0} idle  {count.Whole,9:N0} whole  {string.Join("  ", names.Zip(samples, Show))}"));
    }

    /// <param name="part">What may be added, as a part of what was there.</param>
    public IEnumerable<string> Faults(double part)
    {
        for (var i = 0; i < names.Count; i++)
        {
            foreach (var (what, of, beside) in Measures)
            {
                var (before, after) = (Median(i, _samples.Count / 4, _samples.Count / 2, of), Median(i, _samples.Count * 3 / 4, _samples.Count, of));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{names[i]}: {what} {before:N0}, then {after:N0} ({(double)after / Math.Max(1, before):0.000})"));
                if (after > (before * (1 + part)) + beside)
                {
                    yield return $"The {what} of the {names[i]} process grew.";
                }
            }

            if (_samples[^1][i].Unobserved > 0)
            {
                yield return $"Exceptions in the {names[i]} process were asked for by nobody.";
            }
        }
    }

    private long Median(int role, int from, int to, Func<Sample, long> of) => _samples[from..to].Select(samples => of(samples[role])).Order().ElementAt((to - from) / 2);

    private static string Show(string name, Sample sample) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name}: {sample.Links:N0} links, {sample.Clients:N0} clients, heap {sample.Heap / 1e6:N0} MB, working set {sample.WorkingSet / 1e6:N0} MB, {sample.Descriptors:N0} descriptors, {sample.Buffers:N0} buffers, {sample.Loops:N0} tasks;");
}
