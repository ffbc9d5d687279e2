namespace MProxy.Engine.Access;

/// <summary>
/// A path that one log of this process writes to, until it is disposed of: two would write over each other's lines. Between processes it is
/// up to the operator.
/// </summary>
internal sealed class TakenPath : IDisposable
{
    private static readonly HashSet<string> Paths = new(StringComparer.Ordinal);

    private TakenPath(string path) => Path = path;

    /// <summary>In full, whatever the current folder becomes.</summary>
    public string Path { get; }

    /// <exception cref="IOException">Another log has it.</exception>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static TakenPath Take(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        lock (Paths)
        {
            return Paths.Add(full) ? new TakenPath(full) : throw new IOException("another log of this process writes to it.");
        }
    }

    public void Dispose()
    {
        lock (Paths)
        {
            Paths.Remove(Path);
        }
    }
}
