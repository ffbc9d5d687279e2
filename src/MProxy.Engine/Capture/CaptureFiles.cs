namespace MProxy.Engine.Capture;

/// <summary>The two files of a capture. Whatever happens to the disk, they end at a whole frame and a whole line.</summary>
internal sealed class CaptureFiles(string path, Stream frames, Stream times) : IAsyncDisposable
{
    private long _frameLength;
    private long _timeLength;

    public string Path => path;

    /// <summary>Nothing has been written.</summary>
    public bool IsEmpty => _timeLength == 0;

    /// <summary>Makes both, for this user alone where the system knows how.</summary>
    /// <exception cref="CaptureException">One cannot be made, or is there already.</exception>
    public static CaptureFiles Create(string path)
    {
        var frames = CreateFile(path);
        try
        {
            return new CaptureFiles(path, frames, CreateFile(TimesOf(path)));
        }
        catch
        {
            frames.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Adds frames, and what is said of them behind that.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> newFrames, ReadOnlyMemory<byte> newTimes)
    {
        try
        {
            await frames.WriteAsync(newFrames).ConfigureAwait(false);
            await times.WriteAsync(newTimes).ConfigureAwait(false);
            _frameLength += newFrames.Length;
            _timeLength += newTimes.Length;
        }
        catch
        {
            CutOff(frames, _frameLength);
            CutOff(times, _timeLength);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await frames.DisposeAsync().ConfigureAwait(false);
        await times.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Takes both away again.</summary>
    public void Delete()
    {
        try
        {
            File.Delete(path);
            File.Delete(TimesOf(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // They are empty, and stay so.
        }
    }

    private static string TimesOf(string path) => path + ".times";

    private static FileStream CreateFile(string path)
    {
        var options = new FileStreamOptions
        {
            // One that is there, a link that leads elsewhere too, is left alone.
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,

            // It may be read while it is being written.
            Share = FileShare.Read | FileShare.Delete,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            return new FileStream(path, options);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CaptureException(
                File.Exists(path) ? $"The file '{path}' is there already, and a capture overwrites none." : $"The capture '{path}' cannot be started: {error.Message}", error);
        }
    }

    private static void CutOff(Stream file, long length)
    {
        try
        {
            file.SetLength(length);
        }
        catch (Exception error) when (error is IOException or NotSupportedException or ObjectDisposedException)
        {
            // The disk is gone, and what had gone wrong is told.
        }
    }
}
