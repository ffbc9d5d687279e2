using System.Diagnostics;
using System.Text.Json;
using MProxy.Engine;

namespace MProxy.Trials.Roles;

/// <summary>What a process holds at one moment, behind a full collection.</summary>
/// <param name="Heap">Managed bytes that are alive.</param>
/// <param name="WorkingSet">Bytes of memory that the process has.</param>
/// <param name="Descriptors">Files and sockets that are open.</param>
/// <param name="Buffers">Pooled buffers that are out.</param>
/// <param name="Loops">Tasks that run.</param>
/// <param name="Links">Links that are up.</param>
/// <param name="Clients">Clients on them, or of a service.</param>
/// <param name="Refused">Clients that were refused since the start.</param>
/// <param name="Unobserved">Exceptions of tasks that nobody has asked for since the start.</param>
internal sealed record Sample(long Heap, long WorkingSet, int Descriptors, int Buffers, int Loops, int Links, int Clients, long Refused, long Unobserved)
{
    private static long _unobserved;

    static Sample() => TaskScheduler.UnobservedTaskException += (_, thrown) =>
    {
        Interlocked.Increment(ref _unobserved);
        Console.Error.WriteLine(thrown.Exception);
    };

    public static Sample Take(IReadOnlyCollection<ResourceLedger> ledgers, int links, int clients, long refused = 0)
    {
        // Twice, so that the finalizers of the first have told of what nobody asked for.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        using var process = Process.GetCurrentProcess();
        return new Sample(
            heap,
            process.WorkingSet64,
            Directory.GetFileSystemEntries("/proc/self/fd").Length,
            ledgers.Sum(ledger => ledger.Buffers),
            ledgers.Sum(ledger => ledger.Loops),
            links,
            clients,
            refused,
            Interlocked.Read(ref _unobserved));
    }

    public static Sample Parse(string line) => JsonSerializer.Deserialize<Sample>(line)!;

    public override string ToString() => JsonSerializer.Serialize(this);
}
