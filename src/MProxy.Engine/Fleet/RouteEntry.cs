namespace MProxy.Engine.Fleet;

/// <summary>What is known of one key of the directory. Whoever reads it may see it change: it is a hint anyway.</summary>
/// <param name="key">The key.</param>
internal sealed class RouteEntry(string key)
{
    public string Key => key;

    public IReadOnlyList<FleetRoute> Routes { get; private set; } = [];

    /// <summary>When the directory was asked last, as a timestamp; 0 for never.</summary>
    public long AskedAt { get; set; }

    public TimeSpan KeepFor { get; set; }

    /// <summary>Changes are told of.</summary>
    public bool IsWatched { get; set; }

    /// <summary>It is known to have changed.</summary>
    public bool IsWrong { get; set; }

    /// <summary>It may have changed.</summary>
    public bool IsExpired { get; set; }

    /// <summary>The directory knows nobody any more, and has not said so itself.</summary>
    public bool IsDoubtful { get; private set; }

    /// <summary>The directory is being asked; guarded by this entry's lock.</summary>
    public Task? Looking { get; set; }

    /// <summary>Takes what the directory says; where it is in doubt, what it said before stays for a while.</summary>
    public void Take(IReadOnlyList<FleetRoute> routes, bool isDoubtful, TimeSpan doubtFor, TimeSpan keepFor)
    {
        IsDoubtful = isDoubtful;
        Routes = isDoubtful ? Routes : routes;
        KeepFor = isDoubtful ? doubtFor : keepFor;
    }
}
