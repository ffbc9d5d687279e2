namespace MProxy.Engine.Metrics;

/// <summary>How the values of a metric are to be read.</summary>
internal enum MetricKind
{
    /// <summary>Goes up only.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>Many values, counted by size.</summary>
    Histogram,
}
