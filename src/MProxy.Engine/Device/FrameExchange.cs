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
    // Bounded by the link's own flow control, not by a number of frames.
    private readonly Channel<(Frame Frame, Action? Taken)> _frames = Channel.CreateUnbounded<(Frame, Action?)>(new UnboundedChannelOptions { SingleReader = false });
    private readonly Dictionary<string, (LinkClient Client, ScriptSink Sink)> _clients = [];

    public void Opened(LinkConnection link, LinkClient client)
    {
        var sink = new ScriptSink(link, client, this);
        client.Sink = sink;
        lock (_clients)
        {
            _clients[client.SocketId] = (client, sink);
        }

        Add(new Frame(FrameKind.Connection, client.Meta, []));
    }

    /// <summary>The next frame; null when the link has ended and all are taken.</summary>
    public async Task<Frame?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (await _frames.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_frames.Reader.TryRead(out var next))
            {
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
                entry.Sink.End();
                return true;
            case FrameKind.Error:
                var error = ErrorBody.Parse(body.Span);
                entry.Sink.Fail(error.Code ?? ErrorCode.Unknown, error.Message ?? "");
                return true;
            default:
                throw new NotSupportedException($"A {kind} frame is the link's own to send: give Message, End or Error.");
        }
    }

    public void Add(Frame frame, Action? taken = null) => _frames.Writer.TryWrite((frame, taken));

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
