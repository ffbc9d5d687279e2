using System.Globalization;
using MProxy.Engine;

namespace MProxy.Trials.Roles;

/// <summary>A process of a trial, told what to do by lines of its standard input. It ends in order at the end of that.</summary>
internal static class Role
{
    /// <summary>A line that says where it listens, or just that it is ready.</summary>
    public const string Ready = "ready";

    public const string SampleCommand = "sample";

    /// <summary>With milliseconds behind it: so long, each thread of its pool is taken by work that waits.</summary>
    public const string Starve = "starve ";

    /// <summary>What one says that has ended in order and holds nothing.</summary>
    public const string EndedEmpty = "ended empty";

    /// <summary>More than the pool makes threads while it is starved.</summary>
    private const int MostThreads = 500;

    /// <param name="addresses">What others have to know to come to it.</param>
    /// <param name="sample">What it holds.</param>
    /// <param name="command">What else it can be told, and answers.</param>
    /// <param name="stop">Ends it; then nothing may be left.</param>
    /// <param name="ledgers">Where it counts that.</param>
    public static async Task<int> RunAsync(string addresses, Func<Sample> sample, Func<string, Task<string>> command, Func<Task> stop, Func<IEnumerable<ResourceLedger>> ledgers)
    {
        // The static part counts from here on.
        _ = sample();
        Console.WriteLine($"{Ready} {addresses}".TrimEnd());
        while (await Console.In.ReadLineAsync() is { Length: > 0 } line)
        {
            Console.WriteLine(
                line == SampleCommand ? $"{sample()}"
                : line.StartsWith(Starve, StringComparison.Ordinal) ? TakeThreads(int.Parse(line[Starve.Length..], CultureInfo.InvariantCulture))
                : await command(line));
        }

        await stop();
        var left = ledgers().Where(ledger => !ledger.IsEmpty).ToList();
        Console.WriteLine(left.Count == 0 ? EndedEmpty : $"left: {left[0]}");
        return left.Count == 0 ? 0 : 1;
    }

    private static string TakeThreads(int milliseconds)
    {
        var until = Environment.TickCount64 + milliseconds;
        for (var i = 0; i < MostThreads; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => Thread.Sleep((int)Math.Max(0, until - Environment.TickCount64)), null);
        }

        return "taken";
    }
}
