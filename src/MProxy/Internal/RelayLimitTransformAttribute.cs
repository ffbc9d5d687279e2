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

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        PSValue.Unwrap(inputData) as RelayLimitChange
        ?? (PSValue.Entries(inputData) is { } entries ? Read(engineIntrinsics, entries)
            : throw new ArgumentTransformationMetadataException("Give limits as a table: @{ MaxClients = 500; ClientBytesPerSecond = 1MB }."));

    private static RelayLimitChange Read(EngineIntrinsics engine, IEnumerable<(string Name, object? Value)> entries)
    {
        Dictionary<PropertyInfo, object> values = [];
        foreach (var (name, value) in entries)
        {
            if (!Limits.TryGetValue(name, out var limit))
            {
                var nearest = NearestName.Find(name, [.. Limits.Keys]);
                throw new ArgumentTransformationMetadataException(
                    $"There is no limit '{name}': {(nearest is null ? $"there are {string.Join(", ", Limits.Keys)}." : $"did you mean {nearest}?")}");
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

        var isTime = limit.PropertyType == typeof(TimeSpan);
        try
        {
            var number = LanguagePrimitives.ConvertTo(value is TimeSpan time ? time.TotalSeconds : value, isTime ? typeof(double) : limit.PropertyType, CultureInfo.InvariantCulture);
            if (System.Convert.ToDouble(number, CultureInfo.InvariantCulture) is >= 0 and < 1e18)
            {
                return isTime ? TimeSpan.FromSeconds((double)number) : number;
            }
        }
        catch (Exception error) when (error is PSInvalidCastException or OverflowException)
        {
        }

        throw new ArgumentTransformationMetadataException(
            $"The limit {limit.Name} cannot be '{value}': give a number from 0 on{(isTime ? ", in seconds" : "")}.");
    }
}
