namespace MProxy.Internal.Configuration;

/// <summary>A key of a configuration file with its value: a text, number or boolean, a list (object?[]), a <see cref="ConfigurationTable"/>, or null.</summary>
/// <param name="Key">The key, as it is written.</param>
/// <param name="Value">The value.</param>
/// <param name="Line">The line of the key, from 1.</param>
internal sealed record ConfigurationEntry(string Key, object? Value, int Line);
