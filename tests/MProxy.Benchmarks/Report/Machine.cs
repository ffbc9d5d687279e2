using System.Globalization;
using System.Runtime.InteropServices;

namespace MProxy.Benchmarks.Report;

/// <summary>What was measured on, in a line.</summary>
internal static class Machine
{
    public static string Describe(DateTimeOffset now)
    {
        var gibibytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{now:yyyy-MM-dd}, {Processor()}, {Environment.ProcessorCount} cores, {gibibytes:0} GiB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}.");
    }

    private static string Processor()
    {
        const string Info = "/proc/cpuinfo";
        var line = File.Exists(Info) ? File.ReadLines(Info).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? $"{RuntimeInformation.ProcessArchitecture}";
    }
}
