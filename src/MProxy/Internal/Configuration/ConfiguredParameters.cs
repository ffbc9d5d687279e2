using System.Management.Automation;

namespace MProxy.Internal.Configuration;

/// <summary>The parameters that a configuration file sets, as the values that the cmdlet takes. The file is checked as a whole before there is any.</summary>
internal sealed class ConfiguredParameters
{
    private ConfiguredParameters(IReadOnlyDictionary<string, object> values) => Values = values;

    /// <summary>The values by the names of the parameters, but for those that the command line sets. Case makes no difference.</summary>
    public IReadOnlyDictionary<string, object> Values { get; }

    /// <summary>
    /// Gives a cmdlet what its configuration file sets and its command line does not. From then on, MyInvocation.BoundParameters has those too,
    /// so that whatever asks there whether a parameter was given finds it.
    /// </summary>
    /// <param name="cmdlet">The cmdlet, which ends with an error where the file cannot be used.</param>
    /// <param name="path">The file; null for none.</param>
    public static void Apply(PSCmdlet cmdlet, string? path)
    {
        if (path is null)
        {
            return;
        }

        var bound = cmdlet.MyInvocation.BoundParameters;
        foreach (var (name, value) in Read(cmdlet, new ConfigurableParameters(cmdlet.GetType()), path, [.. bound.Keys], isComplete: true).Values)
        {
            cmdlet.GetType().GetProperty(name)!.SetValue(cmdlet, value);
            bound.Add(name, value);
        }
    }

    /// <summary>Reads a file with the parameters of a cmdlet, which may be another than the one that asks.</summary>
    /// <param name="cmdlet">Who asks: it warns, and ends with an error where the file cannot be used.</param>
    /// <param name="parameters">What the keys may be.</param>
    /// <param name="path">The file.</param>
    /// <param name="given">The parameters that the command line sets: the file's are checked, but no secret is read for them.</param>
    /// <param name="isComplete">What is required and not given has to be there.</param>
    public static ConfiguredParameters Read(
        PSCmdlet cmdlet, ConfigurableParameters parameters, string path, IReadOnlyCollection<string> given, bool isComplete)
    {
        try
        {
            path = FilePaths.Provider(cmdlet, path);
            var file = ConfigurationFile.Read(path);
            var problems = file.Table.FindDuplicates().ToList();
            var values = Convert(cmdlet, file, parameters, given, problems);
            if (isComplete)
            {
                problems.AddRange(parameters.Required.Select(parameter => parameter.Name)
                    .Where(name => !given.Contains(name, StringComparer.OrdinalIgnoreCase) && !file.Table.Entries.Any(entry => entry.Key.Equals(name, StringComparison.OrdinalIgnoreCase)))
                    .Select(name => new ConfigurationProblem(0, $"Key '{name}'", "it is missing: set it there or on the command line.")));
            }

            return problems.Count == 0 ? new ConfiguredParameters(values) : throw new ConfigurationException([.. problems.OrderBy(problem => problem.Line > 0 ? problem.Line : int.MaxValue)]);
        }
        catch (ConfigurationException error)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.InvalidConfiguration(path, error.Problems));
            throw;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.FileUnavailable(error, path));
            throw;
        }
    }

    private static Dictionary<string, object> Convert(
        PSCmdlet cmdlet, ConfigurationFile file, ConfigurableParameters parameters, IReadOnlyCollection<string> given, List<ConfigurationProblem> problems)
    {
        var conversion = new ParameterConversion(cmdlet, file);
        var values = new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in file.Table.Entries)
        {
            try
            {
                var parameter = parameters.Find(entry);
                var isNeeded = !given.Contains(parameter.Name, StringComparer.OrdinalIgnoreCase);
                var value = conversion.Convert(entry, parameter, isNeeded);
                if (isNeeded)
                {
                    values[parameter.Name] = value;
                }
            }
            catch (ConfigurationException error)
            {
                problems.AddRange(error.Problems);
            }
        }

        return values;
    }
}
