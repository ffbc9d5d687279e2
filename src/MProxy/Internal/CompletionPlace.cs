using System.Collections;
using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Where on a line something is completed.</summary>
/// <param name="Command">The cmdlet.</param>
/// <param name="Parameter">Its parameter.</param>
/// <param name="Bound">The parameters that stand on the line already.</param>
internal readonly record struct CompletionPlace(string Command, string Parameter, IDictionary Bound)
{
    /// <summary>The line is about what has this name: -Name gives it, as such or by a wildcard, or there is none.</summary>
    public bool IsNamed(string name) => PSValue.Unwrap(Bound["Name"]) switch
    {
        null => true,
        IEnumerable items and not string => items.Cast<object>().Any(pattern => Fits($"{pattern}", name)),
        var pattern => Fits($"{pattern}", name),
    };

    private static bool Fits(string pattern, string name) => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(name);
}
