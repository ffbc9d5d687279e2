using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Reflection;
using System.Security;
using MProxy.Engine.Carriers;

namespace MProxy.Internal.Configuration;

/// <summary>
/// Makes a parameter's value of what stands in a configuration file, by the transformations, conversion and validation that the command line has.
/// What PowerShell would convert without being asked, such as a text to a boolean or a boolean to a port, is refused.
/// </summary>
internal sealed class ParameterConversion(PSCmdlet cmdlet, ConfigurationFile file)
{
    private readonly SecretReader _secrets = new(cmdlet, file);

    /// <summary>The value for a parameter.</summary>
    /// <param name="entry">What the file says.</param>
    /// <param name="parameter">The parameter.</param>
    /// <param name="isNeeded">False where the command line says another: then secrets are not read.</param>
    /// <exception cref="ConfigurationException">The parameter does not take it.</exception>
    public object Convert(ConfigurationEntry entry, PropertyInfo parameter, bool isNeeded)
    {
        var transformations = parameter.GetCustomAttributes<ArgumentTransformationAttribute>().ToList();
        var value = entry.Value ?? throw new ConfigurationException(entry, "it has no value: leave the key out for the default.");
        if (value is object?[] items && Array.IndexOf(items, null) >= 0)
        {
            throw new ConfigurationException(entry, "there is nothing between two commas, or null in the list.");
        }

        value = Prepare(entry, parameter, value, transformations.Count > 0, isNeeded);
        foreach (var transformation in transformations)
        {
            value = Transform(entry, transformation, value);
        }

        if (!LanguagePrimitives.TryConvertTo(value, parameter.PropertyType, CultureInfo.InvariantCulture, out var converted) || converted is null)
        {
            throw new ConfigurationException(entry, $"it cannot be read as {Kind(ConfigurableParameters.Element(parameter.PropertyType))}.");
        }

        ParameterValidation.Check(entry, parameter, converted, Engine);
        return converted;
    }

    private EngineIntrinsics Engine => (EngineIntrinsics)cmdlet.SessionState.PSVariable.GetValue("ExecutionContext");

    private object Transform(ConfigurationEntry entry, ArgumentTransformationAttribute transformation, object value)
    {
        try
        {
            return transformation.Transform(Engine, value);
        }
        catch (Exception error) when (error is ArgumentTransformationMetadataException or PSInvalidCastException)
        {
            throw new ConfigurationException(entry, error.Message);
        }
    }

    /// <summary>A value in the form that the command line would give it in, its elements one by one.</summary>
    private object Prepare(ConfigurationEntry entry, PropertyInfo parameter, object value, bool isTransformed, bool isNeeded)
    {
        var type = ConfigurableParameters.Element(parameter.PropertyType);
        if (value is object?[] items)
        {
            return parameter.PropertyType.IsArray || isTransformed
                ? Array.ConvertAll(items, item => Prepare(entry, parameter, item!, isTransformed, isNeeded))
                : throw new ConfigurationException(entry, "it takes one value, not a list.");
        }

        if (type == typeof(SecureString))
        {
            return _secrets.Read(entry, value, isNeeded);
        }

        if (type == typeof(PSCredential))
        {
            return _secrets.ReadCredential(entry, value, isNeeded);
        }

        if (typeof(IDictionary).IsAssignableFrom(type))
        {
            return value is ConfigurationTable table
                ? Table(entry, table, isNeeded) : throw new ConfigurationException(entry, $"it takes a table: {(file.IsJson ? """{ "Name": "value" }""" : "@{ Name = 'value' }")}.");
        }

        if (value is string path && type == typeof(string) && (parameter.Name.EndsWith("Path", StringComparison.Ordinal) || parameter.IsDefined(typeof(FilePathAttribute))))
        {
            return path.Length == 0 ? path : FilePaths.InFolder(cmdlet, file.Folder, path);
        }

        return isTransformed ? ConfigurationTable.ToPlain(value)! : Scalar(entry, parameter, type, value);
    }

    /// <summary>Header values may be secrets too.</summary>
    private OrderedDictionary Table(ConfigurationEntry entry, ConfigurationTable table, bool isNeeded)
    {
        var dictionary = new OrderedDictionary(StringComparer.OrdinalIgnoreCase);
        foreach (var part in table.Entries)
        {
            var inner = part with { Key = $"{entry.Key}.{part.Key}" };
            dictionary[part.Key] = part.Value switch
            {
                ConfigurationTable => Secret.Reveal(_secrets.Read(inner, part.Value, isNeeded)),
                object?[] or null => throw new ConfigurationException(inner, "it takes one value."),
                _ => part.Value,
            };
        }

        return dictionary;
    }

    private object Scalar(ConfigurationEntry entry, PropertyInfo parameter, Type type, object value)
    {
        if (value is ConfigurationTable or object?[])
        {
            throw new ConfigurationException(entry, $"it takes {Kind(type)}, not a {(value is ConfigurationTable ? "table" : "list in a list")}.");
        }

        object? converted = null;
        var fits = IsSwitch(type) ? value is bool
            : type == typeof(string) ? value is not bool
            : value is not bool && value is not "" && (value is string || IsNumber(type))
                && LanguagePrimitives.TryConvertTo(value, type, CultureInfo.InvariantCulture, out converted) && (!IsWhole(type) || IsWholeNumber(value));
        return fits ? converted ?? value
            : throw new ConfigurationException(entry, IsSwitch(type) ? $"write {(file.IsJson ? "true or false" : "$true or $false")}." : $"{Shown(type, value)} is not {Kind(type)}{ParameterValidation.Range(parameter)}.");
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => $"one of {string.Join(", ", Enum.GetNames(type))}",
        _ when IsWhole(type) => "a whole number",
        _ when IsNumber(type) => "a number",
        _ when IsSwitch(type) => "true or false",
        _ when type == typeof(string) => "a text",
        _ when type == typeof(IPAddress) => "an IP address",
        _ when type == typeof(CarrierUri) => "an address such as tls://relay.example:5443",
        _ when type == typeof(Uri) => "an address such as http://proxy.example:3128",
        _ when type == typeof(TimeSpan) => "a time such as 00:00:30",
        _ => type.Name,
    };

    /// <summary>Other types could hold a secret, such as the password in an address.</summary>
    private static string Shown(Type type, object value) => type.IsEnum || IsNumber(type) || type == typeof(IPAddress) || type == typeof(TimeSpan)
        ? ParameterValidation.Shown(value) : "this";

    private static bool IsSwitch(Type type) => type == typeof(bool) || type == typeof(SwitchParameter);

    private static bool IsNumber(Type type) => !type.IsEnum && Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Decimal;

    private static bool IsWhole(Type type) => IsNumber(type) && Type.GetTypeCode(type) <= TypeCode.UInt64;

    private static bool IsWholeNumber(object value) =>
        LanguagePrimitives.TryConvertTo<decimal>(value, CultureInfo.InvariantCulture, out var number) && number == decimal.Truncate(number);
}
