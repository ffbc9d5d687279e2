using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Which job stands in the job table of which runspace. PowerShell tells no job when it is to leave, and ends none of these with its runspace.</summary>
internal static class JobTables
{
    private static readonly Dictionary<SessionJob, (JobRepository Table, Guid Owner)> Entries = [];

    /// <summary>Puts a job into a table: Get-Job finds it.</summary>
    /// <param name="job">The job.</param>
    /// <param name="table">The table.</param>
    /// <param name="owner">The runspace that has the table.</param>
    public static void Add(SessionJob job, JobRepository table, Guid owner)
    {
        table.Add(job);
        lock (Entries)
        {
            Entries.Add(job, (table, owner));
        }
    }

    /// <summary>Takes out one that its own cmdlet has stopped. Who stops it as a job takes it out as one.</summary>
    public static void RemoveStopped(SessionJob? job)
    {
        if (job is { WasStoppedAsJob: false })
        {
            Remove(job);
        }
    }

    /// <summary>Takes it out again; nothing where it is in none.</summary>
    public static void Remove(SessionJob job)
    {
        (JobRepository Table, Guid Owner) entry;
        lock (Entries)
        {
            if (!Entries.Remove(job, out entry))
            {
                return;
            }
        }

        try
        {
            entry.Table.Remove(job);
        }
        catch (ArgumentException)
        {
            // Remove-Job was faster.
        }
    }

    /// <summary>Takes all jobs of one runspace out, those too that have ended and were left there.</summary>
    public static void RemoveAll(Guid owner)
    {
        List<SessionJob> jobs;
        lock (Entries)
        {
            jobs = [.. Entries.Where(entry => entry.Value.Owner == owner).Select(entry => entry.Key)];
        }

        jobs.ForEach(Remove);
    }
}
