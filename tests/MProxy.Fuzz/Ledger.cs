using System.Text.Json;

namespace MProxy.Fuzz;

/// <summary>How many inputs were run on each target so far, all runs together, in tests/corpus/executions.json.</summary>
internal static class Ledger
{
    private static readonly JsonSerializerOptions Form = new() { WriteIndented = true, NewLine = "\n" };

    public static void Add(string file, string target, RunResult result)
    {
        var all = File.Exists(file) ? JsonSerializer.Deserialize<SortedDictionary<string, Entry>>(File.ReadAllText(file))! : [];
        var before = all.GetValueOrDefault(target) ?? new Entry(0, 0, 0, 0);
        all[target] = new Entry(before.Executions + result.Executions, Math.Max(before.Edges, result.Edges), result.Kept, before.Crashes + result.Crashes);
        File.WriteAllText(file, JsonSerializer.Serialize(all, Form) + "\n");
    }

    /// <summary>One target's.</summary>
    internal sealed record Entry(long Executions, int Edges, int Kept, int Crashes);
}
