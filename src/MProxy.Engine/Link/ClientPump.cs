using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace MProxy.Engine.Link;

/// <summary>Carries one client between the link and a local end, both ways, until both have ended.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="room">How many bytes what waits leaves free in front, for a header.</param>
[SuppressMessage("Design", "CA1001", Justification = "The token sources have no timer, and Abort may come after the end: they are left to the collector.")]
internal abstract class ClientPump(LinkConnection link, LinkClient client, int room = 0) : ClientSink
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _stoppingUp = new();

    public LinkClient Client => client;

    protected LinkConnection Link => link;

    /// <summary>What the local end has not taken yet.</summary>
    protected Inbox Inbox { get; } = new(link.Ledger, room);

    /// <summary>Cancelled when the client is over at once.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Cancelled when nothing more can be sent.</summary>
    protected CancellationToken StoppingUp => _stoppingUp.Token;

    protected bool IsLinkLost { get; private set; }

    public override void PeerEnded()
    {
        Inbox.Complete();
        link.WakeLater(this);
    }

    public override void Failed(string code, string message) => Abort();

    /// <summary>The link is gone. A client whose data is all here still gets it; any other ends at once.</summary>
    public override void LinkLost()
    {
        IsLinkLost = true;
        if (!client.EndReceived || client.HasFailed)
        {
            Abort();
            return;
        }

        Complete(sent: false, inline: false);
        _ = _stoppingUp.CancelAsync();
    }

    /// <summary>Ends the pump at once.</summary>
    public void Abort()
    {
        // Not here and now: what is cancelled runs on, and the link's lock is held. But first of all: whoever finds the inbox empty has to see
        // that this is no end in order.
        _ = _stopping.CancelAsync();
        _ = _stoppingUp.CancelAsync();
        Complete(sent: false, inline: false);
        Inbox.Dispose();
    }

    /// <inheritdoc/>
    public override void Sent() => Complete(sent: true, inline: IsQuick);

    /// <summary>Keeps bytes until the local end takes them.</summary>
    /// <returns>False where there is nobody left to take any: they are dropped.</returns>
    public bool Keep(ReadOnlySpan<byte> data)
    {
        link.WakeLater(this);
        return Inbox.TryAdd(data);
    }

    /// <summary>What it does on a thread is short: it may go on where it is told of something.</summary>
    public abstract bool IsQuick { get; }

    /// <summary>There is something in the inbox, or nothing more comes. Called by the link's reader with no lock held.</summary>
    public void Wake() => Inbox.Wake(inline: IsQuick);

    /// <summary>The frame that was offered is on its way, or will never be.</summary>
    protected abstract void Complete(bool sent, bool inline);

    /// <summary>One direction has failed, and the client with it: the peer is told, and the other direction ends.</summary>
    /// <returns>False where nobody foresaw such an error: it is to be thrown on.</returns>
    public static bool TryFail(LinkConnection link, LinkClient client, Exception error)
    {
        switch (error)
        {
            case OperationCanceledException:
                return true;
            case SocketException or IOException or ObjectDisposedException:
                link.Fail(client, ErrorCode.Unknown, "the connection was reset");
                return true;
            default:
                link.Fail(client, ErrorCode.Unknown, "the connection broke");
                return false;
        }
    }
}
