using MProxy.Benchmarks.Codec;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using static MProxy.Benchmarks.Pipeline.PipelineMeasures;

namespace MProxy.Benchmarks.Pipeline;

/// <summary>What a user of PowerShell sees: pipelines, whole frames as objects, and the import. Scripts take the times themselves.</summary>
internal sealed class PipelineBenchmarks : IBenchmarkGroup
{
    private const int ByteCount = 200_000;

    private static readonly string Module = RepositoryFolder.Find("MProxy.psd1");

    public GroupReport Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var report = new GroupReport("pipeline", Targets);
        var shell = PowerShellProgram.Find();
        report.Note($"Measured in {shell.Name}.");
        if (shell.IsEmbedded)
        {
            report.Note("Bytes from Get-Content and the import are left out: the embedded engine has no Get-Content, and MProxy from the start.");
        }

        var parts = new (bool IsWanted, Action Measure)[]
        {
            (options.Wants(ByteByByte.Name) && !shell.IsEmbedded, () => MeasureBytes(report, shell, options)),
            (options.Wants(FramesOfFile.Name) || options.Wants(FramesOfMemory.Name), () => MeasureFrames(report, shell, options)),
            ((options.Wants(Import.Name) || options.Wants(FirstFrame.Name)) && !shell.IsEmbedded, () => MeasureImport(report, shell, options)),
        };
        foreach (var part in parts.Where(part => part.IsWanted))
        {
            cancellationToken.ThrowIfCancellationRequested();
            part.Measure();
        }

        return report;
    }

    private static void MeasureBytes(GroupReport report, PowerShellProgram shell, BenchmarkOptions options)
    {
        using var folder = new TemporaryFolder();
        var frames = CodecCase.Frames(64, ByteCount / CodecCase.FrameLength(64));
        File.WriteAllBytes(folder.Path("bytes.bin"), frames);
        foreach (var round in shell.Run("bytes.ps1", options.Rounds, "-Module", Module, "-Path", folder.Path("bytes.bin"), "-Rounds", $"{options.Rounds}"))
        {
            report.Add(ByteByByte, Names.Ours, round["frames"]);
            report.Add(ByteByByte, OutNull, round["nothing"]);
        }
    }

    private static void MeasureFrames(GroupReport report, PowerShellProgram shell, BenchmarkOptions options)
    {
        var count = options.IsShort ? 1_000 : 50_000;
        using var folder = new TemporaryFolder();
        var path = folder.Path("frames.bin");
        File.WriteAllBytes(path, CodecCase.Frames(64, count));
        foreach (var round in shell.Run("frames.ps1", options.Rounds, "-Module", Module, "-Path", path, "-Rounds", $"{options.Rounds}", "-Count", $"{count}"))
        {
            report.Add(FramesOfFile, Names.Ours, count / round["file"] * 1000);
            report.Add(FramesOfMemory, Names.Ours, count / round["memory"] * 1000);
        }

        string? why = null;
        using var peer = options.WantsPeer(PackerWorker.Name) ? PackerWorker.TryStart(out why) : null;
        if (why is not null)
        {
            report.Note($"{PackerWorker.Name} is left out: {why}.");
        }

        foreach (var (measure, operation) in peer is null ? [] : new[] { (FramesOfFile, "file"), (FramesOfMemory, "memory") })
        {
            peer!.Prepare(new { op = operation, path });
            for (var round = -1; round <= options.Rounds; round++)
            {
                var (frames, _, time) = peer.Run(1);
                if (frames != count)
                {
                    throw new InvalidDataException($"{PackerWorker.Name} saw {frames} frames where there are {count}.");
                }

                // Two rounds warm up, and do not count.
                if (round > 0)
                {
                    report.Add(measure, PackerWorker.Name, count / time.TotalSeconds);
                }
            }
        }
    }

    private static void MeasureImport(GroupReport report, PowerShellProgram shell, BenchmarkOptions options)
    {
        var output = RepositoryFolder.Find("tests", "MProxy.EmptyModule", "bin", BuildConfiguration.Name);
        var empty = Directory.EnumerateFiles(output, "MProxy.EmptyModule.psd1", SearchOption.AllDirectories).First();
        var view = Path.Combine(Path.GetDirectoryName(empty)!, "MProxy.EmptyView.psd1");
        for (var round = 0; round <= options.Rounds; round++)
        {
            var ours = shell.Run("import.ps1", 1, "-Module", Module, "-First")[0];
            var theirs = shell.Run("import.ps1", 1, "-Module", empty)[0];
            var withView = shell.Run("import.ps1", 1, "-Module", view)[0];

            // The first round brings the files into memory, and does not count.
            if (round > 0)
            {
                report.Add(Import, Names.Ours, ours["import"]);
                report.Add(Import, EmptyModule, theirs["import"]);
                report.Add(Import, EmptyView, withView["import"]);
                report.Add(FirstFrame, Names.Ours, ours["frame"]);
            }
        }
    }
}
