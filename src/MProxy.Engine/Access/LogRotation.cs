namespace MProxy.Engine.Access;

/// <summary>Makes room for a new file under a path: what is there gets the number 1, and those with numbers the next.</summary>
internal static class LogRotation
{
    /// <summary>Where it fails, no more files are lost than where it does not, however often it is tried.</summary>
    /// <param name="path">The file. Where somebody has moved it away, there is nothing to do.</param>
    /// <param name="keep">The highest number that there may be.</param>
    /// <exception cref="IOException">A file cannot be moved, or a folder is in its way; or an <see cref="UnauthorizedAccessException"/>.</exception>
    public static void Shift(string path, int keep)
    {
        if (!File.Exists(path))
        {
            return;
        }

        // Only up to the first number that is free: a rotation that stopped halfway has left one.
        string[] names = [path, .. Enumerable.Range(1, keep).Select(number => $"{path}.{number}")];
        var last = 1;
        while (last < keep && Path.Exists(names[last]))
        {
            last++;
        }

        if (names.FirstOrDefault(Directory.Exists) is { } folder)
        {
            throw new IOException($"'{folder}' is a folder.");
        }

        if (keep == 0)
        {
            File.Delete(path);
            return;
        }

        for (; last > 0; last--)
        {
            File.Move(names[last - 1], names[last], overwrite: true);
        }
    }
}
