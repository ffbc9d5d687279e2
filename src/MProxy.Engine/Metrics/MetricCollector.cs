using System.Diagnostics.Metrics;

namespace MProxy.Engine.Metrics;

/// <summary>Listens to one meter and adds up what it tells, from now on.</summary>
internal sealed class MetricCollector : IDisposable
{
    /// <summary>How many series an instrument may have, the number that OpenTelemetry has too.</summary>
    public const int MaxSeries = 2000;

    private readonly MeterListener _listener;
    private readonly KeyValuePair<string, object?>? _owner;
    private readonly object _collecting = new();
    private readonly SortedDictionary<string, MetricTable> _tables = new(StringComparer.Ordinal);

    /// <param name="meter">The meter; another of the same name is none of it.</param>
    /// <param name="owner">Only what has this as its first attribute counts; null takes everything.</param>
    /// <param name="maxSeries">How many series an instrument may have.</param>
    public MetricCollector(Meter meter, KeyValuePair<string, object?>? owner = null, int maxSeries = MaxSeries)
    {
        _owner = owner;
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter && KindOf(instrument) is { } kind)
                {
                    var table = new MetricTable(instrument, kind, maxSeries);
                    lock (_tables)
                    {
                        _tables[instrument.Name] = table;
                    }

                    listener.EnableMeasurementEvents(instrument, table);
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, table) => Take(value, tags, table));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, table) => Take(value, tags, table));
        _listener.Start();
    }

    /// <summary>What there is now: what was told, and what is asked for at this moment. In the order of the names; without those that have no value.</summary>
    public IReadOnlyList<MetricFamily> Collect()
    {
        MetricTable[] tables;
        lock (_tables)
        {
            tables = [.. _tables.Values];
        }

        // One at a time: what is asked for is told into the tables. Nobody who tells something of itself needs this lock.
        lock (_collecting)
        {
            foreach (var table in tables.Where(table => table.IsObserved))
            {
                table.Clear();
            }

            _listener.RecordObservableInstruments();
            return [.. tables.Select(table => table.Read()).Where(family => family.Series.Count > 0)];
        }
    }

    /// <summary>Listens no more.</summary>
    public void Dispose() => _listener.Dispose();

    private static MetricKind? KindOf(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter
            : type == typeof(UpDownCounter<>) || type == typeof(ObservableUpDownCounter<>) || type == typeof(ObservableGauge<>) ? MetricKind.Gauge
            : type == typeof(Histogram<>) ? MetricKind.Histogram
            : null;
    }

    private void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? table)
    {
        if (_owner is { } owner && (tags.IsEmpty || tags[0].Key != owner.Key || !Equals(tags[0].Value, owner.Value)))
        {
            return;
        }

        ((MetricTable)table!).Add(value, tags);
    }
}
