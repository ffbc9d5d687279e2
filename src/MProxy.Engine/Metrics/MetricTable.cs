using System.Diagnostics.Metrics;
using System.Globalization;

namespace MProxy.Engine.Metrics;

/// <summary>
/// The series of one instrument, added up. Told from many threads, some of which hold a link's lock: its own lock is held for a few
/// additions, and nothing is called meanwhile. What is known already allocates nothing.
/// </summary>
/// <param name="instrument">Whose values they are.</param>
/// <param name="kind">How they are to be read.</param>
/// <param name="maxSeries">How many series there may be; values of further ones are added up in one that is marked as the overflow.</param>
internal sealed class MetricTable(Instrument instrument, MetricKind kind, int maxSeries)
{
    /// <summary>The attribute that OpenTelemetry marks an overflow with.</summary>
    public const string OverflowTag = "otel.metric.overflow";

    private static readonly KeyValuePair<string, object?>[] Overflow = [new(OverflowTag, "true")];

    private readonly object _gate = new();
    private readonly double[] _bounds = kind == MetricKind.Histogram ? MetricBuckets.Of(instrument.Name) : [];
    private readonly Dictionary<int, Entry> _entries = [];
    private int _count;

    /// <summary>The instrument tells its values only when it is asked, all of them each time.</summary>
    public bool IsObserved => instrument.IsObservable;

    /// <summary>Adds a value. No number at all (NaN) is left out: nothing could be added to it ever after.</summary>
    public void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (double.IsNaN(value))
        {
            return;
        }

        lock (_gate)
        {
            var entry = Find(tags) ?? (_count < maxSeries ? Create(tags) : Find(Overflow) ?? Create(Overflow));
            entry.Value += value;
            if (kind == MetricKind.Histogram)
            {
                // Found or not, this is the first bound that the value is within.
                var at = Array.BinarySearch(_bounds, value);
                entry.Counts[at < 0 ? ~at : at]++;
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _count = 0;
        }
    }

    /// <summary>What there is now.</summary>
    public MetricFamily Read()
    {
        List<MetricSeries> all = [];
        lock (_gate)
        {
            all.EnsureCapacity(_count);
            foreach (var first in _entries.Values)
            {
                for (var entry = first; entry is not null; entry = entry.Next)
                {
                    all.Add(new MetricSeries(entry.Tags, entry.Value, _bounds, [.. entry.Counts]));
                }
            }
        }

        all.Sort(static (one, other) => Compare(one.Tags, other.Tags));
        return new MetricFamily(instrument.Name, instrument.Unit ?? "", instrument.Description ?? "", kind, all);
    }

    private static int Compare(IReadOnlyList<KeyValuePair<string, string>> one, IReadOnlyList<KeyValuePair<string, string>> other)
    {
        for (var i = 0; i < one.Count && i < other.Count; i++)
        {
            var order = string.CompareOrdinal(one[i].Key, other[i].Key);
            order = order == 0 ? string.CompareOrdinal(one[i].Value, other[i].Value) : order;
            if (order != 0)
            {
                return order;
            }
        }

        return one.Count - other.Count;
    }

    private static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = default(HashCode);
        foreach (var (key, value) in tags)
        {
            hash.Add(key);
            hash.Add(Text(value));
        }

        return hash.ToHashCode();
    }

    private static string Text(object? value) => value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private Entry? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var entry = _entries.GetValueOrDefault(Hash(tags));
        while (entry is not null && !entry.Has(tags))
        {
            entry = entry.Next;
        }

        return entry;
    }

    private Entry Create(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var named = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < named.Length; i++)
        {
            named[i] = new(tags[i].Key, Text(tags[i].Value));
        }

        var hash = Hash(tags);
        _count++;
        return _entries[hash] = new Entry(named, new long[_bounds.Length + (kind == MetricKind.Histogram ? 1 : 0)], _entries.GetValueOrDefault(hash));
    }

    /// <summary>A series that is being added up.</summary>
    private sealed class Entry(KeyValuePair<string, string>[] tags, long[] counts, Entry? next)
    {
        public KeyValuePair<string, string>[] Tags => tags;

        public long[] Counts => counts;

        public double Value { get; set; }

        /// <summary>The next series of the same hash.</summary>
        public Entry? Next => next;

        public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> others)
        {
            if (others.Length != tags.Length)
            {
                return false;
            }

            for (var i = 0; i < tags.Length; i++)
            {
                if (tags[i].Key != others[i].Key || tags[i].Value != Text(others[i].Value))
                {
                    return false;
                }
            }

            return true;
        }
    }
}
