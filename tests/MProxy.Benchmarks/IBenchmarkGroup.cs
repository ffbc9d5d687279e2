using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks;

/// <summary>Benchmarks that belong together.</summary>
internal interface IBenchmarkGroup
{
    /// <summary>Measures everything of the group that is asked for. A peer that is missing is a note in the report.</summary>
    GroupReport Run(BenchmarkOptions options, CancellationToken cancellationToken);
}
