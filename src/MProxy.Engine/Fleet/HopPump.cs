using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Fleet;

/// <summary>
/// One client's end on one of the two links that carry it on, between relays and to its device: what comes over its link goes out over the other, in
/// frames of that. Whichever is slow pauses the other's peer, so that nothing piles up between them.
/// </summary>
/// <param name="link">The link.</param>
/// <param name="client">The client there.</param>
internal sealed class HopPump(LinkConnection link, LinkClient client) : ClientPump(link, client, WireFormat.MaxHeaderRoom)
{
    private readonly PendingSend _pending = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HopPump? _other;
    private (string Code, string Message) _failure = (ErrorCode.Unknown, "the connection broke");

    /// <inheritdoc/>
    public override bool IsQuick => true;

    /// <inheritdoc/>
    public override bool IsGuest => true;

    /// <summary>Holds back what came over this link; null where nothing does.</summary>
    public ClientThrottle? Throttle { get; set; }

    private HopPump Other => _other ?? throw new InvalidOperationException("The two ends are joined before they run.");

    /// <inheritdoc/>
    public override bool IsHeldBack(long since) => Throttle?.IsWaiting(since) == true;

    /// <summary>Joins the two ends. Before either of them runs.</summary>
    public void JoinWith(HopPump other) => (_other, other._other) = (other, this);

    /// <inheritdoc/>
    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd) => Keep(data) ? 0 : data.Length;

    /// <inheritdoc/>
    public override void Failed(string code, string message)
    {
        _failure = (code, message);
        base.Failed(code, message);
    }

    /// <inheritdoc/>
    public override void LinkLost()
    {
        _failure = (ErrorCode.LinkLost, "the link behind this one was lost");
        base.LinkLost();
    }

    /// <summary>Runs until both directions are over.</summary>
    public async Task RunAsync()
    {
        // Also while a frame of the other end waits for its turn, which may be for ever.
        var failing = Stopping.UnsafeRegister(static end => ((HopPump)end!).FailOther(), this);
        await using (failing.ConfigureAwait(false))
        {
            try
            {
                await CarryAsync().ConfigureAwait(false);
            }
            finally
            {
                _done.TrySetResult();
                Inbox.Dispose();
            }

            await Other._done.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Runs where no device takes the client: what has come of it is for nobody.</summary>
    public Task DropAsync()
    {
        Inbox.Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override void Complete(bool sent, bool inline) => _pending.Complete(sent, inline);

    private void FailOther() => Other.Link.Fail(Other.Client, _failure.Code, _failure.Message);

    /// <summary>Sends what came over this link out over the other, and then its end.</summary>
    private async Task CarryAsync()
    {
        var turn = new LoopTurn();
        for (; ; )
        {
            Inbox.Segment? segment;
            while (!Inbox.TryTake(out segment))
            {
                await turn.Watch(Inbox.WaitAsync()).ConfigureAwait(false);
            }

            if (segment is null)
            {
                if (!Stopping.IsCancellationRequested)
                {
                    Other.Link.End(Other.Client);
                }

                return;
            }

            var length = segment.End - WireFormat.MaxHeaderRoom;
            bool isSent;
            try
            {
                if (Throttle is not null)
                {
                    await Throttle.SpendAsync(length, Stopping).ConfigureAwait(false);
                }

                isSent = await turn.Watch(Other.SendAsync(segment, length)).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            finally
            {
                Inbox.Return(segment);
            }

            if (!isSent)
            {
                // One that has heard all there is to hear needs nothing more of this side.
                if (!Other.Client.EndReceived || Other.Client.HasFailed)
                {
                    Link.Fail(Client, Other._failure.Code, Other._failure.Message);
                }

                return;
            }

            Link.Delivered(Client, length);
            await turn.Moved(length);
        }
    }

    private ValueTask<bool> SendAsync(Inbox.Segment segment, int length)
    {
        var header = Client.Message.WriteBefore(segment.Buffer.AsSpan(0, WireFormat.MaxHeaderRoom), length);
        return Link.SendAsync(Client, segment.Buffer.AsMemory(WireFormat.MaxHeaderRoom - header, header + length), _pending);
    }
}
