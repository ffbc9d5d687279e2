using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Stops relays, links or tunnels, given by name or as objects. Their clients may finish for a while.</summary>
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

    /// <summary>How many seconds running clients may take to finish, 0 to 86400; no new ones come. Ctrl+C cuts the wait short.</summary>
    [Parameter]
    [ValidateRange(0.0, 86400)]
    public double DrainTimeout { get; set; } = 5;

    private protected void Stop<T>(SessionTable<T> sessions, T? session)
        where T : class, IDrainable
    {
        foreach (var one in session is not null ? [session] : Find(sessions, Name).ToList())
        {
            var name = sessions.All.FirstOrDefault(entry => entry.Value == one).Key ?? "(stopped)";
            if (ShouldProcess(name, $"Stop {sessions.Kind}"))
            {
                sessions.StopAsync(one, TimeSpan.FromSeconds(DrainTimeout), StopToken).GetAwaiter().GetResult();
            }
        }
    }
}
