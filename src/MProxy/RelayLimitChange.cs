using System.Reflection;
using MProxy.Engine.Relay;

namespace MProxy;

/// <summary>Limits of a relay that are to be others than they are, by name. What is not named stays.</summary>
public sealed class RelayLimitChange
{
    private readonly IReadOnlyDictionary<PropertyInfo, object> _values;

    internal RelayLimitChange(IReadOnlyDictionary<PropertyInfo, object> values) => _values = values;

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', _values.Select(entry => $"{entry.Key.Name}={entry.Value}"));

    /// <summary>The limits with these changed.</summary>
    internal RelayLimits ApplyTo(RelayLimits limits)
    {
        var changed = limits with { };
        foreach (var (limit, value) in _values)
        {
            limit.SetValue(changed, value);
        }

        return changed;
    }
}
