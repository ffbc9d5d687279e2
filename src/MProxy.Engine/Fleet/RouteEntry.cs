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

    /// <summary>Since when the directory knows nobody any more and has not said so itself, as a timestamp; 0 where that is not so.</summary>
    public long DoubtfulSince { get; private set; }

    /// <summary>The directory is being asked; guarded by this entry's lock.</summary>
    public Task? Looking { get; set; }

    /// <summary>Takes what the directory says; where it is in doubt, what it said before stays for a while.</summary>
    /// <param name="routes">What it says.</param>
    /// <param name="doubtfulSince">Since when it is in doubt, as a timestamp; 0 where it is not.</param>
    /// <param name="keepFor">How long nobody asks again.</param>
    public void Take(IReadOnlyList<FleetRoute> routes, long doubtfulSince, TimeSpan keepFor)
    {
        DoubtfulSince = doubtfulSince;
        Routes = doubtfulSince != 0 ? Routes : routes;
        KeepFor = keepFor;
    }
}
