using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

/// <summary>Listens to one relay or tunnel of a name that no other test has.</summary>
internal sealed class Listening : IDisposable
{
    private static int _last;

    private readonly MetricCollector _collector;

    /// <param name="kind">The attribute that has its name.</param>
    public Listening(string kind)
    {
        Name = $"listening{Interlocked.Increment(ref _last)}";
        _collector = new MetricCollector(EngineMeter.Meter, new(kind, Name));
    }

    public string Name { get; }

    /// <summary>What is in a series, whose attributes end with these values; of a histogram the sum. 0 where it is not there.</summary>
    public double Value(string metric, params string[] values) => Find(metric, values)?.Value ?? 0;

    /// <summary>How many values are in a series of a histogram.</summary>
    public long Count(string metric, params string[] values) => Find(metric, values)?.Counts.Sum() ?? 0;

    /// <summary>Everything there is, for a test that fails.</summary>
    public override string ToString() =>
        string.Join('\n', _collector.Collect().SelectMany(family => family.Series.Select(series => $"{family.Name} {string.Concat(series.Tags.Skip(1))} {series.Value}")));

    public void Dispose() => _collector.Dispose();

    private MetricSeries? Find(string metric, string[] values) =>
        _collector.Collect().SingleOrDefault(family => family.Name == metric)?.Series.SingleOrDefault(series => series.Tags.Skip(1).Select(tag => tag.Value).SequenceEqual(values));
}
