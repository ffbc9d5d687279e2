using MProxy.Benchmarks.Load;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using static System.FormattableString;

namespace MProxy.Benchmarks.Growth;

/// <summary>What links cost a relay, from devices that have no clients.</summary>
internal static class LinkGrowth
{
    public static readonly IReadOnlyList<Measure> Measures =
    [
        new("memory of a link at the relay", "KiB", Better.Lower),
        new("CPU of a new link at the relay", "ms", Better.Lower),
        new("CPU of a silent link at the relay, each minute", "ms", Better.Lower),
    ];

    private const int First = 20;
    private const string Warm = "the first are up";
    private const string Done = "all are up";

    // Longer than a link is silent before it is asked for a sign of life.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    /// <summary>A figure for each of <see cref="Measures"/>.</summary>
    public static IReadOnlyList<double> Run(LoadLength length, int count)
    {
        var address = Ports.Free();
        var start = $"$null = Start-MProxyTunnel -Relay tcp://{address} -Service @{{ tcp = '127.0.0.1:9' }}";
        using var relay = MProxyShell.Start($"$null = Start-MProxyRelay -Listen tcp://{address} {MProxyShell.NoLimits}").WhenItListens(address);

        // The first ones find much that is not compiled yet.
        using var devices = MProxyShell.Start(Invariant($"1..{First} | % {{ {start} }}; '{Warm}'; $null = [Console]::In.ReadLine(); 1..{count} | % {{ {start} }}; '{Done}'")).WhenItSays(Warm);
        Thread.Sleep(length.Measured);
        var (memory, cost) = (ProcessCost.MemoryBytes(relay.Id), ProcessCost.CpuSeconds(relay.Id));
        devices.Send("");
        devices.WhenItSays(Done);
        Thread.Sleep(length.Measured);
        var (moreMemory, moreCost) = (ProcessCost.MemoryBytes(relay.Id) - memory, ProcessCost.CpuSeconds(relay.Id) - cost);
        cost = ProcessCost.CpuSeconds(relay.Id);
        var silence = length == LoadLength.Full ? Silence : length.Measured;
        Thread.Sleep(silence);
        var silent = ProcessCost.CpuSeconds(relay.Id) - cost;
        return
        [
            moreMemory / Units.Kibi / count,
            moreCost / count * Units.MillisecondsPerSecond,
            silent / count * Units.MillisecondsPerSecond * (TimeSpan.FromMinutes(1) / silence),
        ];
    }
}
