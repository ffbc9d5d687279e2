using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>Carries one client between its local socket and the link, both ways, until both have ended.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source has no timer, and Abort may come after the end: it is left to the collector.")]
internal sealed class ClientPump(LinkConnection link, LinkClient client)
{
    private const int ReadLength = 64 << 10;

    private readonly CancellationTokenSource _stopping = new();

    public Inbox Inbox { get; } = new();

    public PendingSend Pending { get; } = new();

    /// <summary>Ends the pump at once: the peer failed the client, or the link is gone.</summary>
    public void Abort()
    {
        Pending.Complete(sent: false);
        Inbox.Dispose();
        _stopping.Cancel();
    }

    /// <summary>Runs until both directions are over. The socket is closed then: in order, or with a reset where bytes are missing.</summary>
    public async Task RunAsync(Socket socket)
    {
        var whole = false;
        try
        {
            // Either direction that fails ends the other too.
            var both = await Task.WhenAll(Guard(SendUpAsync(socket)), Guard(SendDownAsync(socket))).ConfigureAwait(false);
            whole = both[0] && both[1] && !_stopping.IsCancellationRequested;
        }
        finally
        {
            if (!whole)
            {
                // A reset, so that nobody takes half an answer for a whole one.
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }

            socket.Dispose();
            Inbox.Dispose();
        }
    }

    private async Task<bool> Guard(Task direction)
    {
        try
        {
            await direction.ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException)
        {
            link.Fail(client, ErrorCode.Unknown, "the connection was reset");
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Local socket to link: the next read waits until the last frame is on its way, which is what slows a fast client down.</summary>
    private async Task SendUpAsync(Socket socket)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(WireFormat.MaxHeaderRoom + ReadLength);
        try
        {
            for (; ; )
            {
                var body = buffer.AsMemory(WireFormat.MaxHeaderRoom, ReadLength);
                var count = await socket.ReceiveAsync(body, SocketFlags.None, _stopping.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    link.End(client);
                    return;
                }

                // The header goes into the room in front, so that both are one contiguous run.
                var header = client.Message.WriteBefore(buffer.AsSpan(0, WireFormat.MaxHeaderRoom), count);
                var frame = buffer.AsMemory(WireFormat.MaxHeaderRoom - header, header + count);
                if (!await link.SendAsync(client, frame).ConfigureAwait(false))
                {
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Link to local socket; all that came is delivered before the send side is shut down.</summary>
    private async Task SendDownAsync(Socket socket)
    {
        while (await Inbox.TakeAsync(_stopping.Token).ConfigureAwait(false) is { } segment)
        {
            try
            {
                for (var at = 0; at < segment.End;)
                {
                    at += await socket.SendAsync(segment.Buffer.AsMemory(at, segment.End - at), SocketFlags.None, _stopping.Token).ConfigureAwait(false);
                }

                link.Delivered(client, segment.End);
            }
            finally
            {
                Inbox.Return(segment);
            }
        }

        _stopping.Token.ThrowIfCancellationRequested();
        socket.Shutdown(SocketShutdown.Send);
    }
}
