using MProxy.Engine.Isolation;

namespace MProxy.Engine.Fleet;

/// <summary>Opens directories. Those outside of this process have packages, and are therefore kept apart in the folder <c>directory</c> beside this assembly.</summary>
public static class FleetLibrary
{
    private static readonly IsolatedPart<IFleetDirectoryFactory> Redis = new("directory", "MProxy.Directory", "MProxy.Directory.RedisFactory");

    /// <summary>Opens a directory. Nothing is asked of it yet.</summary>
    /// <param name="uri">Where it is.</param>
    /// <param name="watcher">Who is told of changes.</param>
    /// <param name="time">The clock of a directory in memory.</param>
    /// <exception cref="FleetDirectoryException">The part for it is not where it must be, or cannot be loaded.</exception>
    internal static IFleetDirectory Open(DirectoryUri uri, IFleetWatcher watcher, TimeProvider time)
    {
        if (uri.Scheme == "memory")
        {
            return MemoryDirectory.Open(uri.Servers[0].Host, watcher, time);
        }

        return new GuardedDirectory(Load().Open(uri, watcher));
    }

    /// <summary>Loads what a directory needs, before anything else is opened.</summary>
    /// <exception cref="FleetDirectoryException">It is not where it must be, or cannot be loaded.</exception>
    internal static void Check(DirectoryUri? uri) => _ = uri is null or { Scheme: "memory" } ? null : Load();

    private static IFleetDirectoryFactory Load()
    {
        try
        {
            return Redis.Load();
        }
        catch (IsolatedPartException error)
        {
            throw new FleetDirectoryException($"A directory of Redis cannot be used: {error.Message}", error);
        }
    }
}
