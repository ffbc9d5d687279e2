using System.Threading.Channels;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Device;

/// <summary>
/// A device written in script: the frames of its clients come out one by one, and frames for them go in. Bytes count as delivered when
/// the script has taken them, so a slow script pauses its clients like a slow socket.
/// </summary>
internal sealed class FrameExchange : IClientHandler
{
    // Flow control counts bytes alone. The frame that would be one too many ends its client instead, whose error is the last thing added.
    private const int Bound = 10_000;

    private readonly Channel<(Frame Frame, Action? Taken)> _frames = Channel.CreateUnbounded<(Frame, Action?)>(new UnboundedChannelOptions { SingleReader = false });
    private readonly Dictionary<string, (LinkClient Client, ScriptSink Sink)> _clients = [];
    private int _waiting;

    public void Opened(DeviceLink owner, LinkConnection link, LinkClient client)
    {
        // Together: a script may answer as soon as it sees the frame.
        lock (_clients)
        {
            if (TryAdd(new Frame(FrameKind.Connection, client.Meta, [])))
            {
                var sink = new ScriptSink(link, client, this);
                client.Sink = sink;
                _clients[client.SocketId] = (client, sink);
                return;
            }
        }

        link.Fail(client, ErrorCode.Overflow, "the script does not take its frames");
    }

    /// <summary>The next frame; null when the link has ended and all are taken.</summary>
    public async Task<Frame?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (await _frames.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_frames.Reader.TryRead(out var next))
            {
                Interlocked.Decrement(ref _waiting);
                next.Taken?.Invoke();
                return next.Frame;
            }
        }

        return null;
    }

    /// <summary>Sends a frame for a client that a script was told of.</summary>
    /// <returns>False where there is no such client, or it is over.</returns>
    /// <exception cref="NotSupportedException">The kind is the link's own.</exception>
    public async Task<bool> SendAsync(FrameKind kind, string socketId, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        (LinkClient Client, ScriptSink Sink) entry;
        lock (_clients)
        {
            if (!_clients.TryGetValue(socketId, out entry))
            {
                return false;
            }
        }

        switch (kind)
        {
            case FrameKind.Message:
                return await entry.Sink.SendAsync(body, cancellationToken).ConfigureAwait(false);
            case FrameKind.End:
                await entry.Sink.EndAsync(cancellationToken).ConfigureAwait(false);
                return true;
            case FrameKind.Error:
                var error = ErrorBody.Parse(body.Span);
                entry.Sink.Fail(error.Code ?? ErrorCode.Unknown, error.Message ?? "");
                return true;
            default:
                throw new NotSupportedException($"A {kind} frame is the link's own to send: give Message, End or Error.");
        }
    }

    /// <summary>Adds what a client can have only one of.</summary>
    public void Add(Frame frame)
    {
        Interlocked.Increment(ref _waiting);
        _frames.Writer.TryWrite((frame, null));
    }

    /// <summary>False where too many frames wait for the script.</summary>
    public bool TryAdd(Frame frame, Action? taken = null)
    {
        if (Volatile.Read(ref _waiting) >= Bound)
        {
            return false;
        }

        Interlocked.Increment(ref _waiting);
        return _frames.Writer.TryWrite((frame, taken));
    }

    /// <summary>A client is over: nothing can be sent for it any more.</summary>
    public void Remove(LinkClient client)
    {
        lock (_clients)
        {
            if (_clients.TryGetValue(client.SocketId, out var entry) && entry.Client == client)
            {
                _clients.Remove(client.SocketId);
            }
        }
    }

    /// <summary>No more frames come.</summary>
    public void Complete() => _frames.Writer.TryComplete();
}
