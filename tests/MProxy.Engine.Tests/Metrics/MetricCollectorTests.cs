using System.Diagnostics.Metrics;
using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public sealed class MetricCollectorTests : IDisposable
{
    private readonly Meter _meter = new("MProxy");

    public void Dispose() => _meter.Dispose();

    [Fact]
    public void What_is_told_is_added_up_by_its_attributes()
    {
        var before = _meter.CreateCounter<long>("before");
        before.Add(100, new KeyValuePair<string, object?>("a", "1"));
        using var collector = new MetricCollector(_meter);
        var after = _meter.CreateUpDownCounter<long>("after", "{thing}", "Things.");
        before.Add(1, new KeyValuePair<string, object?>("a", "1"));
        before.Add(2, new KeyValuePair<string, object?>("a", "2"), new KeyValuePair<string, object?>("b", 7));
        before.Add(4, new KeyValuePair<string, object?>("a", "1"));
        after.Add(3);
        after.Add(-5);
        var families = collector.Collect();
        Assert.Equal(["after", "before"], families.Select(family => family.Name));
        Assert.Equal(("{thing}", "Things.", MetricKind.Gauge), (families[0].Unit, families[0].Description, families[0].Kind));
        Assert.Equal(["[] -2"], families[0].Series.Select(Text));
        Assert.Equal(MetricKind.Counter, families[1].Kind);
        Assert.Equal(["[a, 1] 5", "[a, 2][b, 7] 2"], families[1].Series.Select(Text));
    }

    [Fact]
    public void A_value_is_in_the_first_bucket_whose_bound_it_does_not_pass()
    {
        using var collector = new MetricCollector(_meter);
        var histogram = _meter.CreateHistogram<double>(EngineMeter.ClientDurationName, "s");
        foreach (var value in new[] { -1, 0, 0.01, 0.010001, 86_400, 86_401, double.NaN })
        {
            histogram.Record(value);
        }

        var series = Assert.Single(Assert.Single(collector.Collect()).Series);
        Assert.Equal(MetricBuckets.Of(EngineMeter.ClientDurationName), series.Bounds);
        Assert.Equal([3L, 1L, .. new long[series.Bounds.Count - 3], 1L, 1L], series.Counts);
        Assert.Equal(172_800.020001, series.Value, precision: 9);
    }

    [Fact]
    public void What_is_asked_for_is_what_there_is_now()
    {
        List<Measurement<long>> now = [new(1, new KeyValuePair<string, object?>("a", "1")), new(2, new KeyValuePair<string, object?>("a", "2")), new(4, new KeyValuePair<string, object?>("a", "1"))];
        _meter.CreateObservableUpDownCounter("gauge", () => now);
        using var collector = new MetricCollector(_meter);

        // Two of the same attributes are one series.
        Assert.Equal(["[a, 1] 5", "[a, 2] 2"], Assert.Single(collector.Collect()).Series.Select(Text));
        now.RemoveAt(1);
        Assert.Equal(["[a, 1] 5"], Assert.Single(collector.Collect()).Series.Select(Text));
        now.Clear();
        Assert.Empty(collector.Collect());
    }

    [Fact]
    public void One_owner_is_not_shown_what_another_does()
    {
        var mine = new KeyValuePair<string, object?>("owner", "me");
        using var collector = new MetricCollector(_meter, mine);
        var counter = _meter.CreateCounter<long>("counter");
        counter.Add(1);
        counter.Add(2, new KeyValuePair<string, object?>("owner", "you"));
        counter.Add(4, new KeyValuePair<string, object?>("other", "me"));
        counter.Add(8, mine, new KeyValuePair<string, object?>("a", "1"));
        Assert.Equal(["[owner, me][a, 1] 8"], Assert.Single(collector.Collect()).Series.Select(Text));
    }

    [Fact]
    public void Another_meter_of_the_same_name_is_none_of_it()
    {
        using var other = new Meter("MProxy");
        using var collector = new MetricCollector(_meter);
        other.CreateCounter<long>("counter").Add(1);
        Assert.Empty(collector.Collect());
    }

    [Fact]
    public void Series_without_end_are_one_in_the_end()
    {
        const int max = 10;
        using var collector = new MetricCollector(_meter, maxSeries: max);
        var counter = _meter.CreateCounter<long>("counter");
        for (var i = 0; i < 1000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("i", $"{i:0000}"));
        }

        counter.Add(5, new KeyValuePair<string, object?>("i", "0003"));
        var series = Assert.Single(collector.Collect()).Series;
        Assert.Equal([.. Enumerable.Range(0, max).Select(i => $"[i, {i:0000}] {(i == 3 ? 6 : 1)}"), $"[otel.metric.overflow, true] {1000 - max}"], series.Select(Text));
    }

    [Fact]
    public void What_is_known_costs_no_memory()
    {
        using var collector = new MetricCollector(_meter);
        var counter = _meter.CreateCounter<long>("counter");
        var (one, other) = (new KeyValuePair<string, object?>("owner", "me"), new KeyValuePair<string, object?>("service", "https"));
        counter.Add(1, one, other);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            counter.Add(1, one, other);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Many_threads_lose_nothing()
    {
        const int threads = 4;
        const int times = 20_000;
        using var collector = new MetricCollector(_meter);
        var counter = _meter.CreateCounter<long>("counter");
        var histogram = _meter.CreateHistogram<double>("histogram");
        _meter.CreateObservableCounter("observed", () => 1L);
        using var done = new CancellationTokenSource();
        var collecting = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    Assert.Equal(1, collector.Collect().Single(family => family.Name == "observed").Series.Single().Value);
                }
            },
            TestContext.Current.CancellationToken);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < times; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("i", $"{i % 100}"));
                histogram.Record(0.25);
            }
        })));
        await done.CancelAsync();
        await collecting;
        var families = collector.Collect();
        Assert.Equal(threads * times, families[0].Series.Sum(series => series.Value));
        Assert.Equal(100, families[0].Series.Count);
        Assert.Equal(threads * times, families[1].Series.Single().Counts.Sum());
        Assert.Equal(threads * times / 4, families[1].Series.Single().Value);
    }

    [Fact]
    public void Nobody_listens_any_more_when_it_is_over()
    {
        var counter = _meter.CreateCounter<long>("counter");
        Assert.False(counter.Enabled);
        using (new MetricCollector(_meter))
        {
            Assert.True(counter.Enabled);
        }

        Assert.False(counter.Enabled);
    }

    private static string Text(MetricSeries series) => $"{(series.Tags.Count == 0 ? "[]" : string.Concat(series.Tags))} {series.Value}";
}
