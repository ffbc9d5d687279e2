using System.Management.Automation;
using MProxy.Engine;

namespace MProxy.Internal;

/// <summary>Starts something under a name of its own in this session, so that Get- and Stop- cmdlets find it, and Get-Job where it is a job.</summary>
internal static class NamedStart
{
    /// <param name="cmdlet">Who starts it, and fails where the name is taken.</param>
    /// <param name="sessions">Where it stands then.</param>
    /// <param name="name">Its name; null takes the next that is free.</param>
    /// <param name="start">Starts it under a name.</param>
    public static T Run<T>(PSCmdlet cmdlet, SessionTable<T> sessions, string? name, Func<string, T> start)
        where T : class, IDrainable
    {
        name ??= sessions.NextName();
        if (sessions.Contains(name))
        {
            cmdlet.ThrowTerminatingError(ErrorRecords.NameInUse(sessions.Kind, name));
        }

        var (session, owner) = (start(name), SessionOwner.Current);

        // First, so that whoever finds and stops it takes it out of there too.
        if (session is SessionJob job)
        {
            JobTables.Add(job, cmdlet.JobRepository, owner);
        }

        if (!sessions.TryAdd(name, session, owner))
        {
            // Two starts raced for one name.
            sessions.StopAsync(session).GetAwaiter().GetResult();
            cmdlet.ThrowTerminatingError(ErrorRecords.NameInUse(sessions.Kind, name));
        }

        return session;
    }
}
