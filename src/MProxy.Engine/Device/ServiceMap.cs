using System.Diagnostics.CodeAnalysis;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Device;

/// <summary>
/// What a tunnel exposes: nothing but what stands here. A client goes to the target of its name, else of the longest <c>*.name</c> that it is
/// below of, else of its service port, else of its service, where <c>https</c> and <c>tls</c> stand for each other and <c>dns</c> for <c>dns-tcp</c>
/// too, else of <c>*</c>. A target of datagrams is none for a client of a stream, nor the other way round: the next that fits is.
/// </summary>
public sealed class ServiceMap
{
    private readonly ServiceTable<LocalTarget> _targets = new();

    /// <summary>A map of keys (name, <c>*.name</c>, port, service or <c>*</c>) to targets. Keys are compared without case, names as routing does it.</summary>
    /// <exception cref="ArgumentException">A key is there twice, or is no name although it is written like one.</exception>
    public ServiceMap(IEnumerable<KeyValuePair<string, LocalTarget>> targets)
    {
        foreach (var (key, target) in targets)
        {
            var folded = ServiceKeys.TryFold(key) ?? throw new ArgumentException($"The service '{key}' is no name, *.name, port or service.");
            if (!_targets.TryAdd(folded, target))
            {
                throw new ArgumentException($"The service '{key}' is given twice.");
            }
        }
    }

    /// <summary>The entries as text: <c>tcp=127.0.0.1:9000</c>.</summary>
    public IReadOnlyList<string> Entries => _targets.Entries.Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal).ToArray();

    /// <summary>The keys, in the spelling in which they are compared.</summary>
    public IReadOnlyList<string> Keys => _targets.Entries.Keys.Order(StringComparer.Ordinal).ToArray();

    /// <summary>Those of them whose services can be probed.</summary>
    public IReadOnlyList<string> Probeable => Keys.Where(key => this[key].IsProbeable).ToArray();

    /// <summary>One of the keys is this, however somebody wrote it.</summary>
    public bool Has(string key) => ServiceKeys.TryFold(key) is { } folded && _targets.Entries.ContainsKey(folded);

    /// <summary>Where clients may go.</summary>
    internal IReadOnlyCollection<LocalTarget> Targets => [.. _targets.Entries.Values];

    /// <summary>Where the clients of a key go, which is spelled as in <see cref="Keys"/>.</summary>
    internal LocalTarget this[string key] => _targets.Entries[key];

    /// <summary>The same keys with other targets.</summary>
    public ServiceMap Select(Func<LocalTarget, LocalTarget> change) => new(_targets.Entries.Select(entry => KeyValuePair.Create(entry.Key, change(entry.Value))));

    /// <summary>Where a client goes; null where this device does not serve it.</summary>
    public LocalTarget? Find(in FrameMeta client) => TryFind(client, out _, out var target) ? target : null;

    /// <summary>The same, with the key that it goes there by.</summary>
    internal bool TryFind(in FrameMeta client, [NotNullWhen(true)] out string? key, [NotNullWhen(true)] out LocalTarget? target) =>
        _targets.TryFind(client, out key, out target);
}
