using MProxy.Engine.Fleet;

namespace MProxy.Directory;

/// <summary>Opens directories of Redis.</summary>
public sealed class RedisFactory : IFleetDirectoryFactory
{
    /// <inheritdoc/>
    public IFleetDirectory Open(DirectoryUri uri, IFleetWatcher watcher) => new RedisDirectory(uri, watcher);
}
