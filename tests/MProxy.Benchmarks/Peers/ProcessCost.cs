using System.Globalization;

namespace MProxy.Benchmarks.Peers;

/// <summary>What a process and those it has started cost, as Linux tells.</summary>
internal static class ProcessCost
{
    // USER_HZ is 100 on every Linux there is.
    private const double TicksPerSecond = 100;
    private const int State = 2;
    private const int Parent = 3;
    private const int UserTime = 13;
    private const int SystemTime = 14;
    private const int UserTimeOfEnded = 15;
    private const int SystemTimeOfEnded = 16;

    public static double CpuSeconds(int process) =>
        WithChildren(process).Sum(stat => Number(stat, UserTime) + Number(stat, SystemTime) + Number(stat, UserTimeOfEnded) + Number(stat, SystemTimeOfEnded)) / TicksPerSecond;

    /// <summary>Resident and not shared with files: what its work takes.</summary>
    public static long MemoryBytes(int process) => WithChildren(process).Sum(stat => AnonymousBytes(stat[0]));

    private static long AnonymousBytes(string id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static List<string[]> WithChildren(int root)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0])).Select(name => Stat(name!)).OfType<string[]>().ToList();
        List<string[]> found = [.. all.Where(stat => Number(stat, 0) == root)];
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(all.Where(stat => stat[Parent] == found[i][0]));
        }

        return found;
    }

    /// <summary>The words of /proc/ID/stat; null where the process is gone.</summary>
    private static string[]? Stat(string id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");

            // The name stands in brackets, and may hold anything.
            var name = text.LastIndexOf(')');
            string[] words = [id, "", .. text[(name + 2)..].Split(' ')];
            return words[State] == "Z" ? null : words;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long Number(string[] stat, int index) => long.Parse(stat[index], CultureInfo.InvariantCulture);
}
