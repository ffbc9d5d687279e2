using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Lists the relays or tunnels of this process by name.</summary>
public abstract class GetSessionCommand : SessionCommand
{
    /// <summary>Names, wildcards allowed; all where it is left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(SessionNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    private protected void Write<T>(SessionTable<T> sessions)
        where T : class, IDrainable
    {
        foreach (var session in Find(sessions, Name))
        {
            WriteObject(session);
        }
    }
}
