namespace MProxy.Engine.Access;

/// <summary>
/// The file of an access log. It takes whole lines, and begins anew where it is full, where it has failed, and where somebody asks. While
/// that cannot be done it goes on with the file it has, and tries again once a second.
/// </summary>
/// <param name="options">The path and the bounds.</param>
/// <param name="open">Opens the path. What it throws comes out of the constructor, and is told later on.</param>
/// <param name="failed">Told once of each trouble, until it is over.</param>
/// <param name="time">Says when a second is over.</param>
internal sealed class AccessLogFile(AccessLogOptions options, Func<string, Stream> open, Action<string> failed, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Trouble _renewing = new(failed);
    private readonly Trouble _writing = new(failed);
    private Stream _stream = open(options.Path);
    private long? _failedAt;
    private bool _isStale;
    private int _isAsked;

    private bool MayTry => _failedAt is not { } since || time.GetElapsedTime(since) >= Pause;

    /// <summary>Opens a file to be added to; one that ends in half a line gets the end of it.</summary>
    public static FileStream OpenToAppend(string path)
    {
        // For reading too, to see how it ends. That a named pipe has no reader yet holds up nobody then, either. Others may write, or the
        // same file could not be opened anew before it is closed.
        var file = OutputFile.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        try
        {
            GoToEnd(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Asks for the path to be opened anew before anything more is written. From any thread.</summary>
    public void Reopen() => Volatile.Write(ref _isAsked, 1);

    /// <summary>Adds lines. False where none of them is in the file.</summary>
    /// <param name="lines">Whole lines.</param>
    /// <param name="isLast">Nobody comes in a second to try again.</param>
    public async Task<bool> TryWriteAsync(ReadOnlyMemory<byte> lines, bool isLast)
    {
        Renew(lines.Length, isLast);
        long? end = null;
        try
        {
            // Each time: whoever else has to do with the file may have made it shorter.
            end = GoToEnd(_stream);
            await _stream.WriteAsync(lines).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a disk comes up with costs these lines, and nothing else.
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (end is { } whole)
            {
                OutputFile.CutOff(_stream, whole);
            }

            if (!_isStale)
            {
                // The second counts from the first failure, or there would be none between batches that come all the time.
                _isStale = true;
                _failedAt = time.GetTimestamp();
            }

            _writing.Tell($"loses lines: {error.Message}");
            return false;
        }

        if (MayTry)
        {
            // Not at once: where a disk has room now and then, a second may hold many batches.
            _writing.IsOver();
        }

        return true;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    /// <summary>Goes to where the next line starts. Null where there are no places, as in a pipe.</summary>
    private static long? GoToEnd(Stream file)
    {
        if (!file.CanSeek)
        {
            return null;
        }

        if (file.Seek(0, SeekOrigin.End) > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
            {
                file.WriteByte((byte)'\n');
            }
        }

        return file.Position;
    }

    private void Renew(int more, bool isLast)
    {
        var isAsked = Interlocked.Exchange(ref _isAsked, 0) == 1;
        _isStale |= isAsked;
        if (!MayTry && !isLast && !isAsked)
        {
            return;
        }

        try
        {
            if (_isStale)
            {
                Open();
            }

            if (IsFull(more))
            {
                LogRotation.Shift(options.Path, options.KeepFiles);
                Open();
            }

            _renewing.IsOver();
        }
#pragma warning disable CA1031 // Whatever it is, the file that is open can still be written to.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _failedAt = time.GetTimestamp();
            _renewing.Tell($"cannot begin anew, and goes on with the file it has: {error.Message}");
        }
    }

    private void Open()
    {
        var old = _stream;
        _stream = open(options.Path);
        _isStale = false;
        old.Dispose();
    }

    private bool IsFull(int more) => _stream.CanSeek && _stream.Length is > 0 and var length && length > options.MaxLength - more;

    private sealed class Trouble(Action<string> failed)
    {
        private bool _isTold;

        public void Tell(string what)
        {
            if (!_isTold)
            {
                _isTold = true;
                failed(what);
            }
        }

        public void IsOver() => _isTold = false;
    }
}
