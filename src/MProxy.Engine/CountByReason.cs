using System.Collections.Concurrent;

namespace MProxy.Engine;

/// <summary>Counts what happened by why it did, in a few fixed words.</summary>
internal sealed class CountByReason
{
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public long Total => _counts.Values.Sum();

    /// <summary>The counts so far, by reason.</summary>
    public IReadOnlyDictionary<string, long> All => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);

    public void Add(string reason, long count = 1) => _counts.AddOrUpdate(reason, static (_, more) => more, static (_, had, more) => had + more, count);
}
