using System.Collections;
using System.Management.Automation;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>Makes a service map of what people write: a hashtable, an object, or texts like <c>tcp=127.0.0.1:9000</c>. A script block may be a service.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ServiceMapTransformAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return PSValue.Unwrap(inputData) is ServiceMap map ? map : new ServiceMap(Entries(PSValue.Unwrap(inputData), engineIntrinsics));
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    private static IEnumerable<KeyValuePair<string, LocalTarget>> Entries(object? input, EngineIntrinsics engine) =>
        PSValue.Entries(input)?.Select(entry => Entry(entry.Name, entry.Value, engine)) ?? input switch
        {
            string text => [FromText(text, engine)],
            ScriptBlock => throw new FormatException("Say which clients the script is for: @{ tcp = { param($Stream, $Client) … } }."),
            IEnumerable items => items.Cast<object?>().SelectMany(item => Entries(PSValue.Unwrap(item), engine)),
            _ => throw new FormatException("Give services as @{ tcp = '127.0.0.1:9000' } or 'tcp=127.0.0.1:9000'."),
        };

    private static KeyValuePair<string, LocalTarget> FromText(string text, EngineIntrinsics engine)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? Entry(text[..equals].Trim(), text[(equals + 1)..].Trim(), engine)
            : throw new FormatException($"'{text}' names no service: write it as service=host:port or service=unix:/path, for example tcp=127.0.0.1:9000.");
    }

    private static KeyValuePair<string, LocalTarget> Entry(string key, object? target, EngineIntrinsics engine)
    {
        try
        {
            return new(key, PSValue.Unwrap(target) is ScriptBlock script
                ? LocalTarget.For(ScriptTarget.Of(script, engine))
                : LocalTarget.Parse($"{target}"));
        }
        catch (FormatException error)
        {
            throw new FormatException($"Service {key}: {error.Message}", error);
        }
    }
}
