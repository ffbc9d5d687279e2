using System.Globalization;
using MProxy.Protocol;

namespace MProxy.Engine.Device;

/// <summary>
/// What a tunnel exposes: nothing but what stands here. A client goes to the target of its name, else of its service port,
/// else of its service, else of <c>*</c>.
/// </summary>
public sealed class ServiceMap
{
    private readonly Dictionary<string, LocalTarget> _targets;

    /// <summary>A map of keys (name, port, service or <c>*</c>) to targets. Keys are compared without case.</summary>
    public ServiceMap(IEnumerable<KeyValuePair<string, LocalTarget>> targets) =>
        _targets = new Dictionary<string, LocalTarget>(targets, StringComparer.OrdinalIgnoreCase);

    /// <summary>The entries as text: <c>tcp=127.0.0.1:9000</c>.</summary>
    public IReadOnlyList<string> Entries => _targets.Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal).ToArray();

    /// <summary>Where clients may go.</summary>
    internal IReadOnlyCollection<LocalTarget> Targets => _targets.Values;

    /// <summary>Where a client goes; null where this device does not serve it.</summary>
    public LocalTarget? Find(in FrameMeta client) =>
        Find(client.Name) ?? Find(client.ServicePort?.ToString(CultureInfo.InvariantCulture)) ?? Find(client.Service) ?? Find("*");

    private LocalTarget? Find(string? key) => string.IsNullOrEmpty(key) ? null : _targets.GetValueOrDefault(key);
}
