using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;

namespace MProxy.Internal.Configuration;

/// <summary>Checks a value by the validation attributes of a parameter, and says what is allowed.</summary>
internal static class ParameterValidation
{
    // PowerShell calls it itself, and gives nobody else a way to.
    private static readonly MethodInfo Validate = typeof(ValidateArgumentsAttribute).GetMethod("Validate", BindingFlags.Instance | BindingFlags.NonPublic)!;

    /// <exception cref="ConfigurationException">The value is not allowed.</exception>
    public static void Check(ConfigurationEntry entry, PropertyInfo parameter, object value, EngineIntrinsics engine)
    {
        // The command line takes nothing empty for what it has to have.
        if (parameter.GetCustomAttributes<ParameterAttribute>().Any(attribute => attribute.Mandatory) && value is "" or ICollection { Count: 0 })
        {
            throw new ConfigurationException(entry, "it is empty.");
        }

        foreach (var attribute in parameter.GetCustomAttributes<ValidateArgumentsAttribute>())
        {
            foreach (var one in attribute is ValidateEnumeratedArgumentsAttribute && value is ICollection and not IDictionary ? ((ICollection)value).Cast<object>() : [value])
            {
                try
                {
                    Validate.Invoke(attribute, BindingFlags.DoNotWrapExceptions, null, [one, engine], CultureInfo.InvariantCulture);
                }
                catch (ValidationMetadataException error)
                {
                    throw new ConfigurationException(entry, attribute switch
                    {
                        ValidateRangeAttribute { MinRange: not null } => $"{Shown(one)} is outside of the range{Range(parameter)}.",
                        ValidateSetAttribute set => $"{Shown(one)} is none of {string.Join(", ", set.ValidValues)}.",
                        ValidateNotNullAttribute or ValidateNotNullOrEmptyAttribute => "it is empty.",
                        _ => error.Message,
                    });
                }
            }
        }
    }

    /// <summary>Where a parameter's range starts and ends; nothing where it has none.</summary>
    public static string Range(PropertyInfo parameter) => parameter.GetCustomAttribute<ValidateRangeAttribute>() is { MinRange: not null } range
        ? string.Create(CultureInfo.InvariantCulture, $" from {range.MinRange} to {range.MaxRange}") : "";

    /// <summary>A value as it may stand in a message.</summary>
    public static string Shown(object value) => value switch
    {
        string text => $"'{ConfigurationProblem.Shown(text)}'",
        bool flag => flag ? "true" : "false",
        _ => ConfigurationProblem.Shown(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""),
    };
}
