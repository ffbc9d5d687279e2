using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Reflection;
using MProxy.Engine.Relay;
using MProxy.Internal.Configuration;

namespace MProxy.Internal;

/// <summary>Makes limits of what people write: <c>@{ MaxClients = 500; ClientBytesPerSecond = 1MB; ClientIdleTimeout = 3600; DeniedClients = '10.0.0.0/8' }</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RelayLimitTransformAttribute : ArgumentTransformationAttribute
{
    private static readonly Dictionary<string, PropertyInfo> Limits =
        typeof(RelayLimits).GetProperties().ToDictionary(limit => limit.Name, StringComparer.OrdinalIgnoreCase);

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var entries = PSValue.Unwrap(inputData) switch
        {
            RelayLimitChange change => change,
            IDictionary dictionary => Read(engineIntrinsics, dictionary.Cast<DictionaryEntry>().Select(entry => ($"{entry.Key}", entry.Value))),
            PSObject custom => Read(engineIntrinsics, custom.Properties.Select(property => (property.Name, (object?)property.Value))),
            _ => throw new ArgumentTransformationMetadataException("Give limits as a table: @{ MaxClients = 500; ClientBytesPerSecond = 1MB }."),
        };
        return entries;
    }

    private static RelayLimitChange Read(EngineIntrinsics engine, IEnumerable<(string Name, object? Value)> entries)
    {
        Dictionary<PropertyInfo, object> values = [];
        foreach (var (name, value) in entries)
        {
            if (!Limits.TryGetValue(name, out var limit))
            {
                var nearest = NearestName.Find(name, [.. Limits.Keys]);
                throw new ArgumentTransformationMetadataException(
                    $"There is no limit '{name}'{(nearest is null ? "" : $": did you mean {nearest}?")}{(nearest is null ? $": there are {string.Join(", ", Limits.Keys)}." : "")}");
            }

            values[limit] = Convert(engine, limit, PSValue.Unwrap(value));
        }

        return new RelayLimitChange(values);
    }

    private static object Convert(EngineIntrinsics engine, PropertyInfo limit, object? value)
    {
        if (limit.PropertyType == typeof(IReadOnlyList<IPNetwork>))
        {
            return value is null ? Array.Empty<IPNetwork>() : new NetworkTransformAttribute().Transform(engine, value);
        }

        try
        {
            var number = LanguagePrimitives.ConvertTo(value is TimeSpan time ? time.TotalSeconds : value, NumberOf(limit.PropertyType), CultureInfo.InvariantCulture);
            if (System.Convert.ToDouble(number, CultureInfo.InvariantCulture) is >= 0 and < 1e18)
            {
                return limit.PropertyType == typeof(TimeSpan) ? TimeSpan.FromSeconds((double)number) : number;
            }
        }
        catch (Exception error) when (error is PSInvalidCastException or OverflowException)
        {
        }

        throw new ArgumentTransformationMetadataException(
            $"The limit {limit.Name} cannot be '{value}': give a number from 0 on{(limit.PropertyType == typeof(TimeSpan) ? ", in seconds" : "")}.");
    }

    private static Type NumberOf(Type type) => type == typeof(TimeSpan) ? typeof(double) : type;
}
