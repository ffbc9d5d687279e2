using System.Management.Automation;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Stops relays or tunnels, given by name or as objects.</summary>
public abstract class StopSessionCommand : PSCmdlet
{
    private protected const string NameSet = "Name";
    private protected const string InputSet = "InputObject";

    /// <summary>Names, wildcards allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(SessionNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    private protected void Stop<T>(SessionTable<T> sessions, T? session)
        where T : class, IAsyncDisposable
    {
        foreach (var one in session is not null ? [session] : Named(sessions))
        {
            var name = sessions.All.FirstOrDefault(entry => entry.Value == one).Key ?? "(stopped)";
            if (ShouldProcess(name, $"Stop {sessions.Kind}"))
            {
                sessions.Stop(one);
            }
        }
    }

    private List<T> Named<T>(SessionTable<T> sessions)
        where T : class, IAsyncDisposable
    {
        var all = new List<T>();
        foreach (var name in Name)
        {
            var found = sessions.Find(WildcardPattern.Get(name, WildcardOptions.IgnoreCase)).ToList();
            all.AddRange(found);
            if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                WriteError(ErrorRecords.NotFound(sessions.Kind, name));
            }
        }

        return all;
    }
}
