using System.Management.Automation;
using System.Reflection;
using System.Security;
using MProxy.Engine;
using MProxy.Engine.Link;
using MProxy.Internal;
using MProxy.Internal.Configuration;

namespace MProxy.Abstractions;

/// <summary>Changes relays or tunnels while they run. What is not given stays as it is.</summary>
public abstract class SetSessionCommand : NamedSessionCommand
{
    /// <summary>A .psd1 or .json file as the Start cmdlet takes it. What can change is read from there; what stands on the command line wins.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>Return what was changed.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>The parameters that were given, on the command line or in the file.</summary>
    private protected HashSet<string> Given { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Takes what the file sets and the command line does not. Keys that this cmdlet does not have are for the start alone; and what neither says is as
    /// at a start again, so that the file alone tells what holds.
    /// </summary>
    private protected void ReadConfiguration(Type start)
    {
        Given.UnionWith(MyInvocation.BoundParameters.Keys);
        if (ConfigurationPath is null)
        {
            return;
        }

        foreach (var (name, value) in ConfiguredParameters.Read(this, new ConfigurableParameters(start), ConfigurationPath, [.. Given], isComplete: false).Values)
        {
            if (name != nameof(Name) && GetType().GetProperty(name) is { CanWrite: true } property)
            {
                property.SetValue(this, value);
                Given.Add(name);
            }
            else
            {
                WriteVerbose($"{name} is read at the start alone.");
            }
        }

        var defaults = Activator.CreateInstance(start);
        foreach (var property in GetType().GetProperties().Where(property => !Given.Contains(property.Name) && !Stays(property)))
        {
            if (start.GetProperty(property.Name) is { } same && same.IsDefined(typeof(ParameterAttribute)))
            {
                property.SetValue(this, same.GetValue(defaults));
                Given.Add(property.Name);
            }
        }
    }

    /// <summary>What a relay or tunnel cannot be without, or what may have been given by other means than the file: it stays unless another is given.</summary>
    private static bool Stays(PropertyInfo property) =>
        property.Name is nameof(Name) or "Service" or "PublicKey"
        || property.PropertyType == typeof(SecureString[])
        || (property.Name.Contains("Certificate", StringComparison.Ordinal) && property.PropertyType != typeof(SwitchParameter));

    /// <summary>Any of these was given.</summary>
    private protected bool IsGiven(params string[] names) => names.Any(Given.Contains);

    /// <summary>What was given, or else what is.</summary>
    private protected T Next<T>(string name, T given, T current) => IsGiven(name) ? given : current;

    private protected void Change<T>(SessionTable<T> sessions, T? session, Action<T> change)
        where T : class, IDrainable
    {
        foreach (var (name, one) in Chosen(sessions, session, "Change"))
        {
            try
            {
                change(one);
            }
            catch (Exception error) when (error is InvalidOperationException or ArgumentException or LinkException)
            {
                WriteError(ErrorRecords.ChangeFailed(sessions.Kind, error, name));
                continue;
            }

            if (PassThru)
            {
                WriteObject(one);
            }
        }
    }
}
