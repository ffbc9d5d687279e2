using System.Net;

namespace MProxy.Benchmarks.Peers;

/// <summary>A tunnel that is ready: where its clients come in, and what it costs.</summary>
/// <param name="entrance">Where clients connect.</param>
/// <param name="owned">Its processes, and whatever else ends with it; the last is ended first.</param>
internal sealed class RunningTunnel(IPEndPoint entrance, params IDisposable[] owned) : IDisposable
{
    private readonly List<Child> _counted = [.. owned.OfType<Child>().Where(child => !child.IsAside)];

    public IPEndPoint Entrance => entrance;

    /// <summary>How many clients it can have at once; more is asked of nobody.</summary>
    public int MaxHeld { get; init; } = int.MaxValue;

    public bool HasProcesses => _counted.Count > 0;

    /// <summary>What its processes have used so far.</summary>
    public double CpuSeconds() => _counted.Sum(child => ProcessCost.CpuSeconds(child.Id));

    /// <summary>What its processes have in memory.</summary>
    public long MemoryBytes() => _counted.Sum(child => ProcessCost.MemoryBytes(child.Id));

    public void Dispose()
    {
        foreach (var one in owned.Reverse())
        {
            one.Dispose();
        }
    }
}
