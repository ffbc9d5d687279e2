using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Pipeline;

/// <summary>What a user of PowerShell waits for, and how long that may be.</summary>
internal static class PipelineMeasures
{
    public const string OutNull = "Out-Null";
    public const string EmptyModule = "an empty module";

    /// <summary>PowerShell needs as long for the first view of a module as for all of ours.</summary>
    public const string EmptyView = "an empty module with a view";

    public static readonly Measure ByteByByte = new("200 KB byte by byte", "ms", Better.Lower);
    public static readonly Measure FramesOfFile = new("64 B frames from -Path", "frames/s", Better.Higher, IsCharted: true);
    public static readonly Measure FramesOfMemory = new("64 B frames from a byte[]", "frames/s", Better.Higher, IsCharted: true);
    public static readonly Measure Import = new("import in a fresh process", "ms", Better.Lower);
    public static readonly Measure FirstFrame = new("first frame behind the import", "ms", Better.Lower);

    public static readonly IReadOnlyList<Target> Targets =
    [
        new(ByteByByte, Names.Ours, OutNull, 1.5),
        new(FramesOfFile, Names.Ours, PackerWorker.Name, 2),
        new(FramesOfMemory, Names.Ours, PackerWorker.Name, 2),
        new(Import, Names.Ours, EmptyModule, 1.5),
        new(FirstFrame, Names.Ours, null, 20),
    ];
}
