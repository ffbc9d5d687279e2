using System.Net.Sockets;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// Runs a link's state machine on a stream: one reader, one writer, and a pump for each client. Everything the machine is told
/// or asked happens under one lock, in which nobody waits.
/// </summary>
internal sealed class LinkConnection : ILinkEvents, IAsyncDisposable
{
    private const int ReadLength = 256 << 10;
    private const int BatchLength = 256 << 10;

    private readonly object _gate = new();
    private readonly Stream _stream;
    private readonly LinkMachine _machine;
    private readonly Action<LinkConnection, LinkClient> _opened;
    private readonly Queue<LinkClient> _turns = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<Task, ClientPump> _pumps = [];
    private readonly CancellationTokenSource _overflowed = new();
    private bool _closed;
    private long _bytesIn;
    private long _bytesOut;

    /// <param name="role">Which side this is.</param>
    /// <param name="stream">The carrier; owned from here on.</param>
    /// <param name="options">The link's bounds.</param>
    /// <param name="opened">Called when the peer brings a client, under the link's lock: start its work and return.</param>
    /// <param name="time">The clock.</param>
    public LinkConnection(LinkRole role, Stream stream, LinkOptions options, Action<LinkConnection, LinkClient> opened, TimeProvider time)
    {
        _stream = stream;
        _opened = opened;
        _machine = new LinkMachine(role, options, this, time);
    }

    /// <summary>Done when both sides have greeted; fails when the link ends first.</summary>
    public Task Up => _up.Task;

    public long BytesIn => Interlocked.Read(ref _bytesIn);

    public long BytesOut => Interlocked.Read(ref _bytesOut);

    public int ClientCount
    {
        get
        {
            lock (_gate)
            {
                return _machine.ClientCount;
            }
        }
    }

    /// <summary>Reads and writes until the peer closes, the stream fails or <paramref name="cancellationToken"/> is cancelled. Then every client of it is closed.</summary>
    /// <returns>Why the link ended; null where the peer closed it between two frames.</returns>
    public async Task<Exception?> RunAsync(CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _overflowed.Token);
        var reading = ReadAsync(stopping.Token);
        var writing = WriteAsync(stopping.Token);
        Signal();
        var first = await Task.WhenAny(reading, writing).ConfigureAwait(false);
        await stopping.CancelAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        var ends = new[] { await Outcome(reading).ConfigureAwait(false), await Outcome(writing).ConfigureAwait(false) };
        var end = cancellationToken.IsCancellationRequested ? null
            : _overflowed.IsCancellationRequested ? new LinkException("The peer does not read what it is sent: too many control frames are waiting.")
            : first == reading ? ends[0] : ends[1];
        await CloseAsync(end).ConfigureAwait(false);
        return end;
    }

    /// <summary>Relay side: announces a client and starts its pump. False where the link is not up, or has a client of this identity.</summary>
    public bool TryOpen(in FrameMeta meta, Socket socket)
    {
        lock (_gate)
        {
            try
            {
                if (_closed || !_machine.IsUp || _machine.Open(meta) is not { } client)
                {
                    return false;
                }

                client.Pump = new ClientPump(this, client);
                Start(client, socket);
                return true;
            }
            catch (FrameFieldException)
            {
                // Too long for a header.
                return false;
            }
        }
    }

    /// <summary>Device side: gives an opened client its local socket, once that is connected.</summary>
    public bool TryAttach(LinkClient client, Socket socket)
    {
        lock (_gate)
        {
            if (_closed || client.IsClosed)
            {
                return false;
            }

            Start(client, socket);
            return true;
        }
    }

    /// <summary>Sends a frame of a client in its turn. Done when the writer has taken it; false when the client is over.</summary>
    public ValueTask<bool> SendAsync(LinkClient client, ReadOnlyMemory<byte> frame)
    {
        lock (_gate)
        {
            if (_closed || client.IsClosed)
            {
                return new ValueTask<bool>(false);
            }

            var sending = client.Pump!.Pending.Start(frame);
            if (!client.IsPausedByPeer)
            {
                _turns.Enqueue(client);
                Signal();
            }

            return sending;
        }
    }

    public void End(LinkClient client) => Tell(client, _machine.End);

    /// <summary>Ends a client both ways at once, here and at the peer.</summary>
    public void Fail(LinkClient client, string code, string message) => Tell(client, c =>
    {
        _machine.Fail(c, code, message);
        c.Pump?.Abort();
    });

    public void Delivered(LinkClient client, int count)
    {
        lock (_gate)
        {
            _machine.Delivered(client, count);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        _overflowed.Dispose();
        _work.Dispose();
    }

    void ILinkEvents.Opened(LinkClient client)
    {
        client.Pump = new ClientPump(this, client);
        _opened(this, client);
    }

    void ILinkEvents.Received(LinkClient client, ReadOnlySpan<byte> data) => client.Pump!.Inbox.Add(data);

    void ILinkEvents.PeerEnded(LinkClient client) => client.Pump!.Inbox.Complete();

    void ILinkEvents.Failed(LinkClient client, string code, string message) => client.Pump!.Abort();

    void ILinkEvents.Resumed(LinkClient client)
    {
        if (!client.Pump!.Pending.Frame.IsEmpty && !_turns.Contains(client))
        {
            _turns.Enqueue(client);
            Signal();
        }
    }

    void ILinkEvents.WentUp() => _up.TrySetResult();

    void ILinkEvents.OutboxFilled()
    {
        if (!_closed && _machine.Outbox.HasOverflowed)
        {
            // Not from inside the lock: what is cancelled runs at once.
            _ = _overflowed.CancelAsync();
        }

        Signal();
    }

    private static async Task<Exception?> Outcome(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
            return null;
        }
        catch (Exception error) when (error is IOException or SocketException or ProtocolException or ObjectDisposedException or OperationCanceledException)
        {
            return error;
        }
    }

    private void Tell(LinkClient client, Action<LinkClient> what)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                what(client);
            }
        }
    }

    private void Start(LinkClient client, Socket socket)
    {
        var pump = Task.Run(() => client.Pump!.RunAsync(socket));
        _pumps.Add(pump, client.Pump!);
        _ = pump.ContinueWith(
            done =>
            {
                lock (_gate)
                {
                    _pumps.Remove(done);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[ReadLength];
        for (; ; )
        {
            var count = await _stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                return;
            }

            Interlocked.Add(ref _bytesIn, count);
            lock (_gate)
            {
                _machine.Receive(buffer.AsSpan(0, count));
            }
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var batch = new byte[BatchLength];
        for (; ; )
        {
            await _work.WaitAsync(cancellationToken).ConfigureAwait(false);
            for (int length; (length = Gather(batch)) > 0;)
            {
                await _stream.WriteAsync(batch.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
                Interlocked.Add(ref _bytesOut, length);
            }
        }
    }

    /// <summary>Fills one send: the machine's own frames first, then a frame of each waiting client in turn.</summary>
    private int Gather(byte[] batch)
    {
        lock (_gate)
        {
            var length = _machine.Outbox.MoveTo(batch);
            while (_turns.TryPeek(out var client))
            {
                var pending = client.Pump!.Pending;
                if (pending.Frame.Length > batch.Length - length)
                {
                    break;
                }

                _turns.Dequeue();

                // Paused since it queued: it comes back with the resume.
                if (!client.IsPausedByPeer && !client.IsClosed)
                {
                    pending.Frame.Span.CopyTo(batch.AsSpan(length));
                    length += pending.Frame.Length;
                    pending.Complete(sent: true);
                }
            }

            return length;
        }
    }

    private async Task CloseAsync(Exception? reason)
    {
        Task[] pumps;
        lock (_gate)
        {
            _closed = true;
            pumps = [.. _pumps.Keys];
            foreach (var client in _machine.Clients)
            {
                client.IsClosed = true;
                client.Pump?.Abort();
            }

            // Those that had ended and still drained too: a stalled reader must not hold the end of a link.
            foreach (var pump in _pumps.Values)
            {
                pump.Abort();
            }
        }

        _up.TrySetException(new LinkException("The link ended before both sides had greeted.", reason));
        _ = _up.Task.Exception;
        await Task.WhenAll(pumps).ConfigureAwait(false);
    }

    private void Signal()
    {
        if (_work.CurrentCount == 0)
        {
            try
            {
                _work.Release();
            }
            catch (SemaphoreFullException)
            {
                // Two signals at once: one is enough.
            }
        }
    }
}
