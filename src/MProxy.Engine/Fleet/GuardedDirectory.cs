namespace MProxy.Engine.Fleet;

/// <summary>A directory whose every failure is a <see cref="FleetDirectoryException"/>: nobody knows what a package throws, and whoever asks goes on without it.</summary>
/// <param name="directory">The directory.</param>
internal sealed class GuardedDirectory(IFleetDirectory directory) : IFleetDirectory
{
    /// <inheritdoc/>
    public Task<FleetBeat> BeatAsync(FleetNode node, TimeSpan lease, CancellationToken cancellationToken) => Guard(() => directory.BeatAsync(node, lease, cancellationToken));

    /// <inheritdoc/>
    public Task LeaveAsync(FleetNode node, CancellationToken cancellationToken) => Guard(() => directory.LeaveAsync(node, cancellationToken));

    /// <inheritdoc/>
    public Task<bool> PutAsync(string key, FleetRoute route, CancellationToken cancellationToken) => Guard(() => directory.PutAsync(key, route, cancellationToken));

    /// <inheritdoc/>
    public Task<IReadOnlyList<FleetRoute>> FindAsync(string key, CancellationToken cancellationToken) => Guard(() => directory.FindAsync(key, cancellationToken));

    /// <inheritdoc/>
    public Task WatchAsync(string key, CancellationToken cancellationToken) => Guard(() => directory.WatchAsync(key, cancellationToken));

    /// <inheritdoc/>
    public Task UnwatchAsync(string key) => Guard(() => directory.UnwatchAsync(key));

    /// <inheritdoc/>
    public Task RevokeAsync(IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed, CancellationToken cancellationToken) =>
        Guard(() => directory.RevokeAsync(added, removed, cancellationToken));

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> GetRevokedAsync(CancellationToken cancellationToken) => Guard(() => directory.GetRevokedAsync(cancellationToken));

    /// <inheritdoc/>
    public Task<DeviceClaim> ClaimAsync(DeviceClaim claim, string node, CancellationToken cancellationToken) => Guard(() => directory.ClaimAsync(claim, node, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await directory.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // It is gone, however it went.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private static Task<bool> Guard(Func<Task> ask) => Guard(async () =>
    {
        await ask().ConfigureAwait(false);
        return true;
    });

    private static async Task<T> Guard<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // See above.
        catch (Exception error) when (error is not (FleetDirectoryException or OperationCanceledException))
#pragma warning restore CA1031
        {
            // The text of such an exception may quote what was asked.
            throw new FleetDirectoryException($"it does not do what it is asked ({error.GetType().Name})", error);
        }
    }
}
