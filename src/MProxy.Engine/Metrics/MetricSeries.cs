namespace MProxy.Engine.Metrics;

/// <summary>One series of a metric, as it was at one moment.</summary>
/// <param name="Tags">What tells it from the others; names are dotted.</param>
/// <param name="Value">What was counted; of a histogram, the sum of its values.</param>
/// <param name="Bounds">The upper bounds of a histogram's buckets, each within its bucket, the lowest first; empty otherwise.</param>
/// <param name="Counts">How many values are in each bucket, one more than there are bounds; empty otherwise.</param>
internal sealed record MetricSeries(
    IReadOnlyList<KeyValuePair<string, string>> Tags,
    double Value,
    IReadOnlyList<double> Bounds,
    IReadOnlyList<long> Counts);
