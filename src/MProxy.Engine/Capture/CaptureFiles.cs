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
            OutputFile.CutOff(frames, _frameLength);
            OutputFile.CutOff(times, _timeLength);
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
        try
        {
            // One that is there, a link that leads elsewhere too, is left alone. It may be read while it is being written.
            return OutputFile.Open(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
        catch (Exception error) when (OutputFile.IsRefused(error))
        {
            throw new CaptureException(
                File.Exists(path) ? $"The file '{path}' is there already, and a capture overwrites none." : $"The capture '{path}' cannot be started: {error.Message}", error);
        }
    }
}
