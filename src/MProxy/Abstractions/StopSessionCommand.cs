using System.Management.Automation;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Stops relays or tunnels, given by name or as objects.</summary>
public abstract class StopSessionCommand : SessionCommand
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
        foreach (var one in session is not null ? [session] : Find(sessions, Name))
        {
            var name = sessions.All.FirstOrDefault(entry => entry.Value == one).Key ?? "(stopped)";
            if (ShouldProcess(name, $"Stop {sessions.Kind}"))
            {
                sessions.Stop(one);
            }
        }
    }
}
