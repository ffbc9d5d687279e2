using MProxy.Engine.Device;
using MProxy.Engine.Health;

namespace MProxy;

/// <summary>Which local services of a tunnel are probed, and how: one way for all of them, or one for each key.</summary>
public sealed class HealthChecks
{
    private readonly ServiceProbe? _all;
    private readonly IReadOnlyDictionary<string, ServiceProbe> _each;

    internal HealthChecks(ServiceProbe all)
    {
        _all = all;
        _each = new Dictionary<string, ServiceProbe>();
    }

    internal HealthChecks(IReadOnlyDictionary<string, ServiceProbe> each) => _each = each;

    /// <inheritdoc/>
    public override string ToString() => _all?.ToString() ?? string.Join(' ', _each.Select(entry => $"{entry.Key}={entry.Value}"));

    internal IReadOnlyDictionary<string, ServiceProbe> For(ServiceMap services, TimeSpan interval, TimeSpan timeout) =>
        (_all is null ? _each : services.Probeable.ToDictionary(key => key, _ => _all))
            .ToDictionary(entry => entry.Key, entry => entry.Value with { Interval = interval, Timeout = timeout });
}
