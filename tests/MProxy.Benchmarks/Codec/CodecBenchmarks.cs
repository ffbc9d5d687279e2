using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;
using Perfolizer.Horology;
using Perfolizer.Mathematics.OutlierDetection;

namespace MProxy.Benchmarks.Codec;

/// <summary>The codec at the level of slices, beside the reference's in Node: the same frames, the same chunks, by BenchmarkDotNet.</summary>
internal sealed class CodecBenchmarks : IBenchmarkGroup
{
    public GroupReport Run(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var report = new GroupReport("codec", CodecCases.Targets);
        string? why = null;
        using var peer = options.WantsPeer(PackerWorker.Name) ? PackerWorker.TryStart(out why) : null;
        if (why is not null)
        {
            report.Note($"{PackerWorker.Name} is left out: {why}.");
        }

        using var artifacts = new TemporaryFolder();
        CodecWork.Peer = peer;
        foreach (var (work, cases) in new[] { (typeof(UnpackWork), CodecCases.Unpack), (typeof(PackWork), CodecCases.Pack) })
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (cases.Any(one => Wants(options, one)))
            {
                Collect(BenchmarkRunner.Run(work, Configuration(options, artifacts)), report);
            }
        }

        return report;
    }

    private static ManualConfig Configuration(BenchmarkOptions options, TemporaryFolder artifacts)
    {
        var (warmups, milliseconds) = options.IsShort ? (1, 10) : (5, 150);
        var job = Job.Default
            .WithToolchain(new InProcessEmitToolchain(logOutput: false))
            .WithStrategy(RunStrategy.Throughput)
            .WithUnrollFactor(1)
            .WithWarmupCount(warmups)
            .WithIterationCount(options.Rounds)
            .WithIterationTime(TimeInterval.FromMilliseconds(milliseconds))
            .WithOutlierMode(OutlierMode.DontRemove)
            .WithEvaluateOverhead(false);
        return ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(new ErrorLogger())
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddExporter(MarkdownExporter.Default)
            .AddFilter(new SimpleFilter(one => Wants(options, CaseOf(one)) && (IsOurs(one) || CodecWork.Peer is not null)))
            .WithArtifactsPath(artifacts.Path("BenchmarkDotNet"))
            .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.DisableOptimizationsValidator);
    }

    private static bool Wants(BenchmarkOptions options, CodecCase work) =>
        options.Wants(work.Speed.Name) || (IsOfAllocation(work) && options.Wants(CodecCases.Allocated.Name));

    private static void Collect(Summary summary, GroupReport report)
    {
        foreach (var error in summary.ValidationErrors.Where(error => error.IsCritical))
        {
            throw new InvalidOperationException(error.Message);
        }

        foreach (var one in summary.Reports.OrderBy(one => CodecCases.All.IndexOf(CaseOf(one.BenchmarkCase))))
        {
            var work = CaseOf(one.BenchmarkCase);
            var peer = IsOurs(one.BenchmarkCase) ? Names.Ours : PackerWorker.Name;
            if (!one.Success)
            {
                report.Note($"{peer} failed at {work.Speed.Name}.");
                continue;
            }

            var frames = work.FramesPerPass * (IsOurs(one.BenchmarkCase) ? 1 : work.PeerPasses);
            foreach (var measurement in one.GetResultRuns())
            {
                report.Add(work.Speed, peer, frames * measurement.Operations * 1e9 / measurement.Nanoseconds);
            }

            if (IsOurs(one.BenchmarkCase) && IsOfAllocation(work))
            {
                // BenchmarkDotNet's own engine allocates a few bytes a pass in between. An object is 24 bytes at least.
                report.Add(CodecCases.Allocated, peer, Math.Round((one.GcStats.GetBytesAllocatedPerOperation(one.BenchmarkCase) ?? double.NaN) / frames, 1));
            }
        }
    }

    private static CodecCase CaseOf(BenchmarkCase one) => CodecCases.Find((string)one.Parameters[nameof(UnpackWork.Case)]);

    private static bool IsOurs(BenchmarkCase one) => one.Descriptor.WorkloadMethod.Name == nameof(UnpackWork.Ours);

    private static bool IsOfAllocation(CodecCase work) => work.Speed.Name == "unpack, 64 B";
}
