using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>Carries one client between the link and its local socket.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="first">What was read of the socket already.</param>
/// <param name="filter">Decides how much of what the socket brings may go on; null for all.</param>
/// <param name="up">Holds back what goes to the link; null where nothing does.</param>
/// <param name="down">The same for what comes from it.</param>
internal sealed class SocketPump(
    LinkConnection link, LinkClient client, ReadOnlyMemory<byte> first = default, IClientFilter? filter = null, ClientThrottle? up = null, ClientThrottle? down = null)
    : ClientPump(link, client)
{
    private readonly ClientUplink _uplink = new(link, client, first, filter, up, link.Time);
    private volatile Socket? _socket;

    public override bool IsHeldBack(long since) => up?.IsWaiting(since) == true || down?.IsWaiting(since) == true;

    /// <summary>The socket may take what comes now at once: nothing waits that came before.</summary>
    public bool CanSendNow => _socket is not null && down is not { IsOn: true } && Inbox.IsIdle;

    /// <summary>
    /// Sends what the socket takes right away, past the queue, straight from the link's read buffer: no copy, and nobody to wake. A failure is
    /// left to the loop that sends what is queued. Called by the link's reader with no lock held.
    /// </summary>
    /// <returns>How many bytes were taken. The rest is to be kept.</returns>
    public int SendNow(ReadOnlySpan<byte> data)
    {
        _uplink.AnswerSeen(data);
        try
        {
            // What it took counts, whatever stopped it: the loop meets that again.
            return Math.Max(_socket?.Send(data, SocketFlags.None, out _) ?? 0, 0);
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        _uplink.AnswerSeen(data);
        return Keep(data) ? 0 : data.Length;
    }

    /// <summary>It sends what a socket takes, and reads what is there.</summary>
    public override bool IsQuick => true;

    /// <summary>Runs until both directions are over. The socket is closed then: in order, or with a reset where bytes are missing.</summary>
    public async Task RunAsync(Socket socket)
    {
        var isWhole = false;
        socket.Blocking = false;
        _socket = socket;
        try
        {
            var (up, down) = (_uplink.RunAsync(socket, StoppingUp), SendDownAsync(socket));
            try
            {
                isWhole = await up.ConfigureAwait(false) || IsLinkLost;
            }
            finally
            {
                // Either direction that fails ends the other too.
                isWhole &= await down.ConfigureAwait(false);
            }

            isWhole &= !Stopping.IsCancellationRequested;
        }
        finally
        {
            _socket = null;
            if (!isWhole)
            {
                // So that nobody takes half an answer for a whole one.
                TcpSocket.ResetOnClose(socket);
            }

            Link.Ledger.Close(socket);
            Inbox.Dispose();
        }
    }

    protected override void Complete(bool sent, bool inline) => _uplink.Complete(sent, inline);

    /// <summary>Link to local socket; all that came is delivered before the send side is shut down.</summary>
    /// <returns>True where it ended in order.</returns>
    private async Task<bool> SendDownAsync(Socket socket)
    {
        var turn = new LoopTurn();
        try
        {
            for (; ; )
            {
                Inbox.Segment? segment;
                while (!Inbox.TryTake(out segment))
                {
                    // Also when it is emptied, because the client is over at once.
                    await turn.Watch(Inbox.WaitAsync()).ConfigureAwait(false);
                }

                if (segment is null)
                {
                    Stopping.ThrowIfCancellationRequested();
                    _uplink.AnswerEnds();
                    socket.Shutdown(SocketShutdown.Send);
                    return true;
                }

                try
                {
                    for (var at = 0; at < segment.End;)
                    {
                        var length = Math.Min(segment.End - at, down?.Piece ?? int.MaxValue);
                        if (down is not null)
                        {
                            await down.SpendAsync(length, Stopping).ConfigureAwait(false);
                        }

                        for (var until = at + length; at < until;)
                        {
                            // What a wait needs stays with the socket for as long as that lives, and most take all at once.
                            at += Math.Max(socket.Send(segment.Buffer.AsSpan(at, until - at), SocketFlags.None, out var error), 0);
                            if (error == SocketError.WouldBlock)
                            {
                                at += await turn.Watch(socket.SendAsync(segment.Buffer.AsMemory(at, until - at), SocketFlags.None, Stopping)).ConfigureAwait(false);
                            }
                            else if (error != SocketError.Success)
                            {
                                throw new SocketException((int)error);
                            }
                        }

                        Link.Delivered(Client, length);
                        await turn.Moved(length);
                    }
                }
                finally
                {
                    Inbox.Return(segment);
                }
            }
        }
        catch (Exception error)
        {
            if (!TryFail(Link, Client, error))
            {
                throw;
            }

            return false;
        }
    }
}
