namespace MProxy.Engine.Access;

/// <summary>
/// A file with one line of JSON for each client that is over, or was refused. Whoever adds one never waits for the disk: lines are written
/// by a loop, 10,000 may wait for it, and what is beyond that, or what the disk does not take, is dropped, counted and told in the file. Any
/// number of relays and tunnels may write to one log; no two logs of a process have the same file.
/// </summary>
public sealed class AccessLog : IAsyncDisposable
{
    /// <summary>How many records may wait to be written.</summary>
    internal const int MaxWaiting = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly AccessLogFile _file;
    private readonly DroppingQueue<AccessRecord> _queue;
    private readonly AccessLogWriter _writer;
    private readonly Action<string> _failed;
    private readonly TimeProvider _time;
    private readonly Task _writing;
    private long _refused;

    internal AccessLog(AccessLogOptions options, Func<string, Stream> open, Action<string> failed, TimeProvider time, TakenPath? taken = null)
    {
        Path = options.Path;
        _failed = failed;
        _time = time;
        _file = new AccessLogFile(options, open, Tell, time);
        _queue = new DroppingQueue<AccessRecord>(MaxWaiting, _ => 1, time);
        _writer = new AccessLogWriter(_file, _queue, options.MaxLength);
        _writing = Task.Run(() => RunAsync(taken));
    }

    /// <summary>Where the lines are, as a full path.</summary>
    public string Path { get; }

    /// <summary>How many records have not come into the file so far, and will not.</summary>
    public long Dropped => Interlocked.Read(ref _refused) + _writer.Lost;

    /// <summary>Opens the file, or makes it, for this user alone where the system knows how.</summary>
    /// <param name="options">The path and the bounds.</param>
    /// <param name="failed">
    /// Told in one sentence when the disk does not take lines, or no new file can be begun: once, until that is over, and no more than once a
    /// second. It runs on the loop that writes, and should not wait.
    /// </param>
    /// <param name="time">The clock.</param>
    /// <exception cref="AccessLogException">It cannot be written to, or another log of this process writes to it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A bound is outside of its range.</exception>
    public static AccessLog Open(AccessLogOptions options, Action<string> failed, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLength, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KeepFiles, 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.KeepFiles, 100, nameof(options));
        TakenPath? taken = null;
        try
        {
            taken = TakenPath.Take(options.Path);
            return new AccessLog(options with { Path = taken.Path }, AccessLogFile.OpenToAppend, failed, time ?? TimeProvider.System, taken);
        }
        catch (Exception error) when (OutputFile.IsRefused(error))
        {
            taken?.Dispose();
            throw new AccessLogException($"The access log '{options.Path}' cannot be opened: {error.Message}", error);
        }
    }

    /// <summary>Adds a line, without waiting and from any thread. Nothing is written any more once it is disposed of; it counts as dropped.</summary>
    public void Write(AccessRecord record)
    {
        if (!_queue.TryAdd(record))
        {
            Interlocked.Increment(ref _refused);
        }
    }

    /// <summary>Opens the path anew before the next line is written, for whoever has moved the file away.</summary>
    public void Reopen() => _file.Reopen();

    /// <summary>Writes what waits, for two seconds at most; what a stuck disk takes later than that is still written. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _writing.WaitAsync(Patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_writing.IsCompleted)
        {
            Tell("is not complete: its disk does not take it in time.");
        }
    }

    private async Task RunAsync(TakenPath? taken)
    {
        using (taken)
        {
            await using (_file.ConfigureAwait(false))
            {
                await _writer.RunAsync().ConfigureAwait(false);
            }
        }
    }

    private void Tell(string what)
    {
        try
        {
            _failed($"The access log '{Path}' {what}");
        }
#pragma warning disable CA1031 // Whoever is told has troubles of its own, and lines are still written.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
