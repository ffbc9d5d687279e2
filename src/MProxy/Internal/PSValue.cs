using System.Collections;
using System.Collections.Specialized;
using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Takes PowerShell's wrapping off values, so that the codec sees plain .NET objects.</summary>
internal static class PSValue
{
    private const int MaxDepth = 64;

    /// <summary>The object inside a PSObject; a custom object stays one.</summary>
    public static object? Unwrap(object? value) =>
        value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;

    /// <summary>The names and values of a hashtable or of a custom object; null for anything else.</summary>
    public static IEnumerable<(string Name, object? Value)>? Entries(object? value) => Unwrap(value) switch
    {
        IDictionary dictionary => dictionary.Cast<DictionaryEntry>().Select(entry => ($"{entry.Key}", entry.Value)),
        PSObject custom => custom.Properties.Select(property => (property.Name, (object?)property.Value)),
        _ => null,
    };

    /// <summary>Plain lists, dictionaries and scalars all the way down, for JSON.</summary>
    public static object? ToPlain(object? value, int depth = 0)
    {
        value = Unwrap(value);
        if (depth > MaxDepth)
        {
            throw new ArgumentException($"The value is nested deeper than {MaxDepth} levels.", nameof(value));
        }

        switch (value)
        {
            case PSObject custom:
                var members = new OrderedDictionary(StringComparer.Ordinal);
                foreach (var property in custom.Properties)
                {
                    members[property.Name] = ToPlain(property.Value, depth + 1);
                }

                return members;
            case IDictionary dictionary:
                var copy = new OrderedDictionary(StringComparer.Ordinal);
                foreach (DictionaryEntry entry in dictionary)
                {
                    copy[$"{entry.Key}"] = ToPlain(entry.Value, depth + 1);
                }

                return copy;
            case string or null:
                return value;
            case IEnumerable items:
                return items.Cast<object?>().Select(item => ToPlain(item, depth + 1)).ToArray();
            default:
                return value;
        }
    }

    /// <summary>A property of any object by name, or null.</summary>
    public static object? Property(object? value, string name) =>
        value is null ? null : Unwrap(PSObject.AsPSObject(value).Properties[name]?.Value);

    /// <summary>Bytes of a byte[], or of any list of numbers from 0 to 255, as Get-Content -ReadCount delivers. Null for anything else.</summary>
    public static byte[]? AsBytes(object? value)
    {
        switch (value)
        {
            case byte[] bytes:
                return bytes;
            case string or IDictionary or not IEnumerable:
                return null;
        }

        var gathered = new List<byte>();
        foreach (var item in (IEnumerable)value)
        {
            if (AsByte(Unwrap(item)) is not { } single)
            {
                return null;
            }

            gathered.Add(single);
        }

        return [.. gathered];
    }

    /// <summary>A byte, or a whole number in a byte's range; null for anything else.</summary>
    public static byte? AsByte(object? value) => value switch
    {
        byte single => single,
        int number and >= 0 and <= 255 => (byte)number,
        _ => null,
    };
}
