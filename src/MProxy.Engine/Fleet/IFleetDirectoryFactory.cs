namespace MProxy.Engine.Fleet;

/// <summary>Opens directories of one kind.</summary>
public interface IFleetDirectoryFactory
{
    /// <summary>Opens one. It connects by itself, and again when it was lost; until then, whatever it is asked fails.</summary>
    IFleetDirectory Open(DirectoryUri uri, IFleetWatcher watcher);
}
