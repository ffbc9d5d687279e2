using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Codec;

/// <summary>What codecs have to do, and how much faster ours has to be at it.</summary>
internal static class CodecCases
{
    public static readonly IReadOnlyList<CodecCase> Unpack =
    [
        new("unpack, no body", 40, 0),
        new("unpack, 1 B", 40, 1),
        new("unpack, 64 B", 40, 64),
        new("unpack, 1 KiB", 25, 1 << 10),
        new("unpack and copy, 16 KiB", 3, 16 << 10) { CopiesBody = true },
        new("unpack and copy, 64 KiB", 3, 64 << 10) { CopiesBody = true },
        new("unpack byte by byte, 64 B", 25, 64) { ChunkLength = 1 },
    ];

    public static readonly IReadOnlyList<CodecCase> Pack =
    [
        new("pack, no body", 60, 0),
        new("pack, 64 B", 60, 64),
        new("pack, 1 KiB", 40, 1 << 10),
        new("pack, 64 KiB", 3, 64 << 10),
    ];

    /// <summary>What unpacking allocates for each frame of 64 B.</summary>
    public static readonly Measure Allocated = new("allocated by unpacking, 64 B", "B/frame", Better.Lower);

    public static readonly List<CodecCase> All = [.. Unpack, .. Pack];

    public static readonly IReadOnlyList<Target> Targets = [.. All.Select(one => one.Target), new(Allocated, Names.Ours, null, 0)];

    public static CodecCase Find(string name) => All.First(one => one.Speed.Name == name);
}
