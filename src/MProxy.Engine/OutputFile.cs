namespace MProxy.Engine;

/// <summary>The files that the engine writes for its operator, all opened in one way.</summary>
internal static class OutputFile
{
    /// <summary>Opens one to be written at once, without a buffer in between. One that is made is for this user alone, where the system knows how.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="mode">Whether it may be there already, or has to be.</param>
    /// <param name="access">Writing, and whether what is there has to be read first.</param>
    /// <param name="share">What others may do with it meanwhile. It can always be moved away.</param>
    /// <exception cref="IOException">It cannot be had; or another of the errors of <see cref="IsRefused"/>.</exception>
    public static FileStream Open(string path, FileMode mode, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = access,
            Share = share | FileShare.Delete,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    /// <summary>An error that says that a file cannot be had under a path.</summary>
    public static bool IsRefused(Exception error) =>
        error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>Takes away what stands behind a length, such as half of what did not fit. Never throws: why it did not is known.</summary>
    public static void CutOff(Stream file, long length)
    {
        try
        {
            if (file.Length > length)
            {
                file.SetLength(length);
            }
        }
        catch (Exception error) when (error is IOException or NotSupportedException or ObjectDisposedException)
        {
            // The disk is gone, and what had gone wrong is told.
        }
    }
}
