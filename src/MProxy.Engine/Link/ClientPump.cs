using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>Carries one client between its local socket and the link, both ways, until both have ended.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The token sources have no timer, and Abort may come after the end: they are left to the collector.")]
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="first">What was read of the socket already.</param>
/// <param name="filter">Decides how much of what the socket brings may go on; null for all.</param>
internal sealed class ClientPump(LinkConnection link, LinkClient client, ReadOnlyMemory<byte> first = default, IClientFilter? filter = null) : ClientSink
{
    // A keystroke or a request. More goes through the queue: the link's lock is held meanwhile.
    private const int DirectLength = 4 << 10;

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _stoppingUp = new();
    private readonly Inbox _inbox = new(link.Ledger);
    private readonly ClientUplink _uplink = new(link, client, first, filter, link.Time);
    private volatile Socket? _socket;
    private bool _isLinkLost;

    public LinkClient Client => client;

    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        _uplink.AnswerSeen(data);
        var sent = TrySendNow(data);
        if (sent < data.Length)
        {
            _inbox.Add(data[sent..]);
        }

        return sent;
    }

    public override void PeerEnded() => _inbox.Complete();

    public override void Failed(string code, string message) => Abort();

    public override void Sent() => _uplink.Complete(sent: true);

    /// <summary>The link is gone. A client whose data is all here still gets it; any other ends at once.</summary>
    public override void LinkLost()
    {
        _isLinkLost = true;
        if (!client.EndReceived || client.HasFailed)
        {
            Abort();
            return;
        }

        _uplink.Complete(sent: false);
        _ = _stoppingUp.CancelAsync();
    }

    /// <summary>Ends the pump at once.</summary>
    public void Abort()
    {
        _uplink.Complete(sent: false);
        _inbox.Dispose();

        // Not here and now: what is cancelled runs on, and the link's lock is held.
        _ = _stopping.CancelAsync();
        _ = _stoppingUp.CancelAsync();
    }

    /// <summary>Runs until both directions are over. The socket is closed then: in order, or with a reset where bytes are missing.</summary>
    public async Task RunAsync(Socket socket)
    {
        var whole = false;
        socket.Blocking = false;
        _socket = socket;
        try
        {
            // Either direction that fails ends the other too.
            var both = await Task.WhenAll(Guard(_uplink.RunAsync(socket, _stoppingUp.Token)), Guard(SendDownAsync(socket))).ConfigureAwait(false);
            whole = (both[0] || _isLinkLost) && both[1] && !_stopping.IsCancellationRequested;
        }
        finally
        {
            _socket = null;
            if (!whole)
            {
                // So that nobody takes half an answer for a whole one.
                TcpSocket.ResetOnClose(socket);
            }

            link.Ledger.Close(socket);
            _inbox.Dispose();
        }
    }

    /// <summary>
    /// Little data that the socket takes right away goes past the queue, straight from the link's read buffer: no copy, and nobody to
    /// wake. A failure is left to the loop that sends what is queued.
    /// </summary>
    private int TrySendNow(ReadOnlySpan<byte> data)
    {
        if (_socket is not { } socket || data.Length > DirectLength || !_inbox.IsIdle)
        {
            return 0;
        }

        try
        {
            var sent = socket.Send(data, SocketFlags.None, out var error);
            return error == SocketError.Success ? sent : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
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

    /// <summary>Link to local socket; all that came is delivered before the send side is shut down.</summary>
    private async Task SendDownAsync(Socket socket)
    {
        while (await _inbox.TakeAsync(_stopping.Token).ConfigureAwait(false) is { } segment)
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
                _inbox.Return(segment);
            }
        }

        _stopping.Token.ThrowIfCancellationRequested();
        socket.Shutdown(SocketShutdown.Send);
    }
}
