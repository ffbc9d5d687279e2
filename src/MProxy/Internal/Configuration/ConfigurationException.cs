namespace MProxy.Internal.Configuration;

/// <summary>A configuration file, or a value in it, cannot be used.</summary>
internal sealed class ConfigurationException(IReadOnlyList<ConfigurationProblem> problems) : Exception(problems[0].Text)
{
    public ConfigurationException(int line, string text)
        : this([new ConfigurationProblem(line, null, text)])
    {
    }

    public ConfigurationException(ConfigurationEntry entry, string text)
        : this([ConfigurationProblem.At(entry, text)])
    {
    }

    /// <summary>One or more, in the order of the file.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems { get; } = problems;
}
