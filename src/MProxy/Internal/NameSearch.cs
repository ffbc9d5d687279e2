using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Finds what names with wildcards stand for, the one way all cmdlets do.</summary>
internal static class NameSearch
{
    /// <summary>What each name stands for, in turn; one without wildcards that stands for nothing is an error, and the others are still looked for.</summary>
    /// <param name="cmdlet">Who is told of the error.</param>
    /// <param name="names">The names.</param>
    /// <param name="find">Finds what a name stands for.</param>
    /// <param name="notFound">Makes the error.</param>
    public static IEnumerable<T> Find<T>(Cmdlet cmdlet, IEnumerable<string> names, Func<string, IEnumerable<T>> find, Func<string, ErrorRecord> notFound)
    {
        foreach (var name in names)
        {
            var found = find(name).ToList();
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                cmdlet.WriteError(notFound(name));
            }

            foreach (var one in found)
            {
                yield return one;
            }
        }
    }
}
