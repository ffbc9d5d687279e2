using System.Management.Automation;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Lists the relays or tunnels of this process by name.</summary>
public abstract class GetSessionCommand : PSCmdlet
{
    /// <summary>Names, wildcards allowed; all where it is left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(SessionNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    private protected void Write<T>(SessionTable<T> sessions)
        where T : class, IAsyncDisposable
    {
        foreach (var name in Name)
        {
            var found = sessions.Find(WildcardPattern.Get(name, WildcardOptions.IgnoreCase)).ToList();
            WriteObject(found, enumerateCollection: true);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                WriteError(ErrorRecords.NotFound(sessions.Kind, name));
            }
        }
    }
}
