using System.Collections.Specialized;

namespace MProxy.Internal.Configuration;

/// <summary>The keys of a file, or of a table in it, in the order they are written. Case makes no difference between keys.</summary>
internal sealed record ConfigurationTable(IReadOnlyList<ConfigurationEntry> Entries)
{
    /// <summary>The keys that are there twice, here and in all tables below.</summary>
    public IEnumerable<ConfigurationProblem> FindDuplicates()
    {
        var lines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in Entries)
        {
            if (!lines.TryAdd(entry.Key, entry.Line))
            {
                yield return ConfigurationProblem.At(entry, $"it is there already, in line {lines[entry.Key]}.");
            }

            foreach (var problem in Tables(entry.Value).SelectMany(table => table.FindDuplicates()))
            {
                yield return problem;
            }
        }
    }

    /// <summary>The same as what a script would write with <c>[ordered]@{ }</c>.</summary>
    public OrderedDictionary ToDictionary()
    {
        var dictionary = new OrderedDictionary(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in Entries)
        {
            dictionary[entry.Key] = ToPlain(entry.Value);
        }

        return dictionary;
    }

    /// <summary>A value with every table in it as a dictionary.</summary>
    public static object? ToPlain(object? value) => value switch
    {
        ConfigurationTable table => table.ToDictionary(),
        object?[] items => Array.ConvertAll(items, ToPlain),
        _ => value,
    };

    private static IEnumerable<ConfigurationTable> Tables(object? value) => value switch
    {
        ConfigurationTable table => [table],
        object?[] items => items.SelectMany(Tables),
        _ => [],
    };
}
