using System.Management.Automation.Runspaces;

namespace MProxy.Internal;

/// <summary>The runspace that a cmdlet runs in. What it starts ends with it: the engine ends only jobs of its own when a runspace is closed.</summary>
internal static class SessionOwner
{
    private static readonly HashSet<Guid> Watched = [];

    /// <summary>The runspace of this thread, by its id. Once asked for, its close ends what it owns.</summary>
    public static Guid Current
    {
        get
        {
            var runspace = Runspace.DefaultRunspace;
            lock (Watched)
            {
                if (Watched.Add(runspace.InstanceId))
                {
                    runspace.StateChanged += EndWith;
                }
            }

            return runspace.InstanceId;
        }
    }

    // Behind PowerShell.Exiting and the end of running pipelines, so that a script's own clean-up is first.
    private static void EndWith(object? sender, RunspaceStateEventArgs change)
    {
        if (sender is Runspace runspace && change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken)
        {
            lock (Watched)
            {
                Watched.Remove(runspace.InstanceId);
            }

            Sessions.StopAllAsync(runspace.InstanceId).GetAwaiter().GetResult();
        }
    }
}
