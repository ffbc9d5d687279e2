namespace MProxy.Internal.Configuration;

/// <summary>How much a configuration file may hold, in either format, so that no file takes a reader long or deep.</summary>
internal sealed class ConfigurationBounds
{
    /// <summary>The bytes of a file.</summary>
    public const int MaxLength = 1 << 20;

    private const int MaxDepth = 16;
    private const int MaxValues = 10_000;

    private int _depth;
    private int _values;

    /// <summary>A table or list begins.</summary>
    /// <exception cref="ConfigurationException">It is nested deeper than 16 levels.</exception>
    public void Enter(int line) => _depth = _depth < MaxDepth
        ? _depth + 1 : throw new ConfigurationException(line, $"it is nested deeper than {MaxDepth} levels.");

    /// <summary>A table or list ends.</summary>
    public void Leave() => _depth--;

    /// <summary>There is a value more.</summary>
    /// <exception cref="ConfigurationException">There are more than 10,000.</exception>
    public void Count(int line) => _values = _values < MaxValues
        ? _values + 1 : throw new ConfigurationException(line, $"there are more than {MaxValues} values.");
}
