using System.Management.Automation;
using System.Reflection;
using System.Security;

namespace MProxy.Internal.Configuration;

/// <summary>
/// Which parameters of a cmdlet a configuration file may set: those of its parameter set Configuration that a file can hold.
/// What is mandatory in that set stands on the command line, for it says where the file is.
/// </summary>
internal sealed class ConfigurableParameters(Type cmdlet)
{
    /// <summary>The name of that parameter set.</summary>
    public const string Set = "Configuration";

    private readonly Dictionary<string, PropertyInfo> _all = cmdlet.GetProperties().Where(property => property.IsDefined(typeof(ParameterAttribute)))
        .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>What has to be given, in the file or on the command line: mandatory in every other set.</summary>
    public IEnumerable<PropertyInfo> Required => _all.Values.Where(property =>
        IsIn(property, mandatory: false) && property.GetCustomAttributes<ParameterAttribute>().Any(attribute => attribute.Mandatory));

    /// <summary>The parameter that a key sets.</summary>
    /// <exception cref="ConfigurationException">There is none, or not in a file.</exception>
    public PropertyInfo Find(ConfigurationEntry entry)
    {
        if (Cmdlet.CommonParameters.Concat(Cmdlet.OptionalCommonParameters).Contains(entry.Key, StringComparer.OrdinalIgnoreCase))
        {
            throw new ConfigurationException(entry, "common parameters stand on the command line alone.");
        }

        if (!_all.TryGetValue(entry.Key, out var property))
        {
            throw new ConfigurationException([ConfigurationProblem.UnknownKey(entry, Nearest(entry.Key), $"keys are the parameters of {Name}, which Get-Help lists.")]);
        }

        var type = Element(property.PropertyType);
        var reason = IsIn(property, mandatory: true) ? "it says where the file is, and stands on the command line alone."
            : type == typeof(ScriptBlock) ? "no file holds a script."
            : !IsIn(property, mandatory: false) || (typeof(IDisposable).IsAssignableFrom(type) && type != typeof(SecureString))
                ? $"no file holds such an object: set {(_all.GetValueOrDefault($"{property.Name}Path") ?? Required.First()).Name} instead."
            : null;
        return reason is null ? property : throw new ConfigurationException(entry, reason);
    }

    /// <summary>The type of what a list holds, and of what may be missing.</summary>
    public static Type Element(Type type) => Nullable.GetUnderlyingType(type) ?? (type.IsArray ? type.GetElementType()! : type);

    private string Name => cmdlet.GetCustomAttribute<CmdletAttribute>() is { } attribute ? $"{attribute.VerbName}-{attribute.NounName}" : cmdlet.Name;

    private static bool IsIn(PropertyInfo property, bool mandatory) => property.GetCustomAttributes<ParameterAttribute>().Any(attribute =>
        attribute.Mandatory == mandatory && (attribute.ParameterSetName == Set || (attribute.ParameterSetName == ParameterAttribute.AllParameterSets && !mandatory)));

    private string? Nearest(string key) =>
        _all.Values.FirstOrDefault(property => property.GetCustomAttribute<AliasAttribute>()?.AliasNames.Contains(key, StringComparer.OrdinalIgnoreCase) == true)?.Name
        ?? NearestName.Find(key, [.. _all.Values.Where(property => IsIn(property, mandatory: false)).Select(property => property.Name)]);
}
