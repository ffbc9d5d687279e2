using System.Diagnostics;

namespace MProxy.Engine.Tests.Soak;

/// <summary>What the process held at one moment, behind a full collection.</summary>
/// <param name="At">Seconds since the start.</param>
/// <param name="Heap">Managed bytes that are alive.</param>
/// <param name="Buffers">Pooled buffers in use.</param>
/// <param name="WorkingSet">Bytes of memory that the process has.</param>
/// <param name="Descriptors">Files and sockets that are open; -1 where the system does not tell.</param>
/// <param name="Clients">Clients on the relay.</param>
/// <param name="Exchanges">What had been asked and answered by then.</param>
internal sealed record SoakSample(double At, long Heap, int Buffers, long WorkingSet, int Descriptors, int Clients, long Exchanges)
{
    // Most are of this length.
    private const int BufferLength = 64 << 10;

    /// <summary>
    /// The heap without what waits for clients: one that reads nothing has its mark of 1 MiB and whatever was on its way until the other side paused,
    /// which is up to the sockets of the link.
    /// </summary>
    public long Rest => Heap - ((long)Buffers * BufferLength);

    public static SoakSample Take(double at, int buffers, int clients, long exchanges)
    {
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        using var process = Process.GetCurrentProcess();
        var descriptors = Directory.Exists("/proc/self/fd") ? Directory.GetFileSystemEntries("/proc/self/fd").Length : -1;
        return new SoakSample(at, heap, buffers, process.WorkingSet64, descriptors, clients, exchanges);
    }

    public override string ToString() => FormattableString.Invariant(
        $"{At,6:0} s  heap {Heap / 1e6,6:0.0} MB  {Buffers,4} buffers  working set {WorkingSet / 1e6,6:0.0} MB  {Descriptors,4} descriptors  {Clients,4} clients  {Exchanges,9} exchanges");
}
