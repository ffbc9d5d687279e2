namespace MProxy.Engine.Capture;

/// <summary>
/// Writes the frames of links to a file, as a stream of frames, with their times in another beside it. Relays and links that have it in
/// their options use it until they end; whoever opened it disposes of it once they have started. The last to go closes the files.
/// </summary>
public sealed class LinkCapture : IAsyncDisposable
{
    private readonly CaptureOptions _options;
    private readonly CaptureFiles _files;
    private readonly DroppingQueue<CapturedFrame> _queue;
    private readonly ControlSecrets _secrets = new();
    private readonly HashSet<Use> _users = [];
    private readonly Use _opener;
    private readonly Task _writing;
    private Action<string>? _stopped;
    private int _connections;

    internal LinkCapture(CaptureOptions options, CaptureFiles files, TimeProvider time)
    {
        _options = options;
        _files = files;
        _queue = new DroppingQueue<CapturedFrame>(options.QueueBound, frame => frame.Cost, time);
        _opener = new Use(this);
        _users.Add(_opener);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Where the frames are.</summary>
    public string Path => _files.Path;

    /// <summary>Makes the files.</summary>
    /// <exception cref="CaptureException">They cannot be made, or are there already.</exception>
    public static LinkCapture Open(CaptureOptions options, TimeProvider? time = null) =>
        new(options, CaptureFiles.Create(options.Path), time ?? TimeProvider.System);

    /// <summary>Lets go of what was opened. Where nobody uses it and it holds nothing, as when a start has failed, its files go too.</summary>
    public ValueTask DisposeAsync() => _opener.DisposeAsync();

    /// <summary>Keeps it open until the result is disposed of.</summary>
    /// <param name="stopped">Told when it stops early, and why: that of its first user alone.</param>
    internal IAsyncDisposable Join(Action<string> stopped)
    {
        var use = new Use(this);
        lock (_users)
        {
            _stopped ??= stopped;
            _users.Add(use);
        }

        return use;
    }

    /// <summary>For a connection that starts. Its tokens are looked for in all that is said.</summary>
    internal CaptureTap Tap(string link, params IEnumerable<string?> tokens)
    {
        foreach (var token in tokens.OfType<string>())
        {
            _secrets.Add(token);
        }

        return new CaptureTap(Interlocked.Increment(ref _connections), link, _options, _queue);
    }

    private async Task WriteAsync()
    {
        try
        {
            await using (_files.ConfigureAwait(false))
            {
                await new CaptureWriter(_files, _queue, _secrets, _options).RunAsync().ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // Whatever a disk comes up with ends the capture, and nothing else.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _queue.Close();
            while (_queue.TryTake(out _))
            {
                // Whoever still has a tap holds the queue, and need not hold its frames.
            }

            Tell($"has stopped: {error.Message}");
        }
    }

    private void Tell(string what)
    {
        Action<string>? stopped;
        lock (_users)
        {
            stopped = _stopped;
        }

        stopped?.Invoke($"The capture '{Path}' {what}");
    }

    private async ValueTask LeaveAsync(Use use)
    {
        lock (_users)
        {
            if (!_users.Remove(use) || _users.Count > 0)
            {
                return;
            }
        }

        _queue.Close();
        try
        {
            await _writing.WaitAsync(_options.Patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Tell("is not complete: its disk does not take it in time.");
            return;
        }

        if (use == _opener && _files.IsEmpty)
        {
            _files.Delete();
        }
    }

    private sealed class Use(LinkCapture capture) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => capture.LeaveAsync(this);
    }
}
