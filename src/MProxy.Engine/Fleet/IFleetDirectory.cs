namespace MProxy.Engine.Fleet;

/// <summary>
/// Where the relays of a fleet find each other, and which of them has whose devices. What it says is a hint that may be late: which device gets a
/// client is decided by the relay that has its link. Whatever it is asked may fail with a <see cref="FleetDirectoryException"/>, or take long; it lets go as soon as its token says so.
/// </summary>
public interface IFleetDirectory : IAsyncDisposable
{
    /// <summary>Renews a relay's lease, and tells of all relays.</summary>
    /// <param name="node">What it says of itself. Generation 0 joins as the latest of its name.</param>
    /// <param name="lease">How long it counts as there without another beat.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<FleetBeat> BeatAsync(FleetNode node, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>A relay is gone in order.</summary>
    Task LeaveAsync(FleetNode node, CancellationToken cancellationToken);

    /// <summary>Notes how many links of a relay serve a key; with none, that it serves it no more. Who watches is told where that is news.</summary>
    /// <returns>False where a later relay of its name has noted something.</returns>
    Task<bool> PutAsync(string key, FleetRoute route, CancellationToken cancellationToken);

    /// <summary>The relays that serve a key, in no order. Some may be gone.</summary>
    Task<IReadOnlyList<FleetRoute>> FindAsync(string key, CancellationToken cancellationToken);

    /// <summary>From now on the watcher is told of changes of a key.</summary>
    Task WatchAsync(string key, CancellationToken cancellationToken);

    /// <summary>No more.</summary>
    Task UnwatchAsync(string key);

    /// <summary>Adds ids of tokens that the whole fleet refuses, and takes others back. The next beats of all relays tell that there is another version of them.</summary>
    Task RevokeAsync(IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed, CancellationToken cancellationToken);

    /// <summary>Those ids.</summary>
    Task<IReadOnlyList<string>> GetRevokedAsync(CancellationToken cancellationToken);

    /// <summary>Notes that a device has a link at a relay. Other relays where it has one are told.</summary>
    /// <param name="claim">The device. With a generation, it had that before.</param>
    /// <param name="node">The relay, by name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Who has the device now: another session with a higher generation where the claim came too late.</returns>
    Task<DeviceClaim> ClaimAsync(DeviceClaim claim, string node, CancellationToken cancellationToken);
}
