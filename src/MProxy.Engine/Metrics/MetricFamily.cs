namespace MProxy.Engine.Metrics;

/// <summary>One metric with all of its series, as they were at one moment.</summary>
/// <param name="Name">Dotted, as OpenTelemetry writes it.</param>
/// <param name="Unit">As UCUM writes it: <c>s</c>, <c>By</c>, <c>{client}</c>; empty for none.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Kind">How the values are to be read.</param>
/// <param name="Series">In the order of their attributes.</param>
internal sealed record MetricFamily(string Name, string Unit, string Description, MetricKind Kind, IReadOnlyList<MetricSeries> Series);
