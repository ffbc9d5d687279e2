using MProxy.Engine.Device;

namespace MProxy.Engine.Health;

/// <summary>Which local services of a tunnel are probed, and how: one way for all of them, also for those that come later, or one for each key.</summary>
public sealed class HealthChecks
{
    private static readonly ServiceProbe Usual = new();

    private readonly ServiceProbe? _all;
    private readonly KeyValuePair<string, ServiceProbe>[] _each = [];

    /// <summary>One way for every service that takes streams.</summary>
    public HealthChecks(ServiceProbe all) => _all = all;

    /// <summary>One for each key. A service whose key is not here is not probed.</summary>
    public HealthChecks(IEnumerable<KeyValuePair<string, ServiceProbe>> each) => _each = [.. each];

    /// <summary>Nothing is probed: every service is up.</summary>
    public static HealthChecks None { get; } = new([]);

    /// <summary>Nothing is probed, whatever the services.</summary>
    public bool IsNone => _all is null && _each.Length == 0;

    /// <summary>How long after a result the next probe begins.</summary>
    public TimeSpan Interval => Any.Interval;

    /// <summary>How long a probe may take.</summary>
    public TimeSpan Timeout => Any.Timeout;

    private ServiceProbe Any => _all ?? _each.Select(entry => entry.Value).FirstOrDefault(Usual);

    /// <summary>The same at other times.</summary>
    public HealthChecks With(TimeSpan interval, TimeSpan timeout)
    {
        return _all is null ? new HealthChecks(_each.Select(entry => KeyValuePair.Create(entry.Key, At(entry.Value)))) : new HealthChecks(At(_all));

        ServiceProbe At(ServiceProbe probe) => probe with { Interval = interval, Timeout = timeout };
    }

    /// <summary>The same without those for keys that these services do not have.</summary>
    public HealthChecks Within(ServiceMap services) =>
        _all is null ? new HealthChecks(_each.Where(entry => services.Has(entry.Key))) : this;

    /// <inheritdoc/>
    public override string ToString() => _all?.ToString() ?? string.Join(' ', _each.Select(entry => $"{entry.Key}={entry.Value}"));

    /// <summary>What these services are probed by, by their keys as somebody wrote them: there may be none of such a key, or one twice.</summary>
    internal IReadOnlyList<KeyValuePair<string, ServiceProbe>> For(ServiceMap services) =>
        _all is null ? _each : [.. services.Probeable.Select(key => KeyValuePair.Create(key, _all))];
}
