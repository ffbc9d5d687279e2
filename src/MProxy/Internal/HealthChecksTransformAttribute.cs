using System.Management.Automation;
using MProxy.Engine.Health;

namespace MProxy.Internal;

/// <summary>Makes health checks of what people write: <c>tcp</c> or <c>http:/path</c> for all services, or a hashtable or object with one for each key.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class HealthChecksTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return PSValue.Unwrap(inputData) switch
            {
                HealthChecks checks => checks,
                string text => new HealthChecks(ServiceProbe.Parse(text)),
                var table => PSValue.Entries(table) is { } entries ? new HealthChecks(Each(entries))
                    : throw new FormatException("Give health checks as 'tcp' for all services, or as @{ 'app.example.com' = 'http:/health'; tcp = 'tcp' }."),
            };
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    private static Dictionary<string, ServiceProbe> Each(IEnumerable<(string Key, object? Value)> entries) =>
        entries.ToDictionary(entry => entry.Key, entry => Probe(entry.Key, $"{PSValue.Unwrap(entry.Value)}"), StringComparer.OrdinalIgnoreCase);

    private static ServiceProbe Probe(string key, string text)
    {
        try
        {
            return ServiceProbe.Parse(text);
        }
        catch (FormatException error)
        {
            throw new FormatException($"Service {key}: {error.Message}", error);
        }
    }
}
