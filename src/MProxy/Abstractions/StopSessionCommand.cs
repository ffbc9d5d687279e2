using System.Management.Automation;
using MProxy.Engine;
using MProxy.Internal;

namespace MProxy.Abstractions;

/// <summary>Stops relays, links or tunnels. Their clients may finish for a while.</summary>
public abstract class StopSessionCommand : NamedSessionCommand
{
    /// <summary>How many seconds running clients may take to finish, 0 to 86400; no new ones come. Ctrl+C cuts the wait short.</summary>
    [Parameter]
    [ValidateRange(0.0, 86400)]
    public double DrainTimeout { get; set; } = 5;

    private protected void Stop<T>(SessionTable<T> sessions, T? session)
        where T : class, IDrainable
    {
        foreach (var (_, one) in Chosen(sessions, session, "Stop"))
        {
            sessions.StopAsync(one, TimeSpan.FromSeconds(DrainTimeout), StopToken).GetAwaiter().GetResult();
        }
    }
}
