namespace MProxy.Engine.Metrics;

/// <summary>The buckets of each histogram. They stand here because instruments can only advise about them from .NET 9 on.</summary>
internal static class MetricBuckets
{
    // From a service on this machine to one that takes seconds.
    private static readonly double[] Waits = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    // From one request to a shell that stays open for a day.
    private static readonly double[] Lives = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

    /// <summary>The upper bounds for an instrument, in its unit, the lowest first.</summary>
    public static double[] Of(string instrument) => instrument == EngineMeter.ClientDurationName ? Lives : Waits;
}
