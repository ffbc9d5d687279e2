using MProxy.Engine.Link;

namespace MProxy.Engine.Fleet;

/// <summary>A client on the link to another relay, before that says whether it takes it. Nothing of the client has been sent by then, so that it can still go elsewhere.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="join">Makes its end at this side, when it is taken.</param>
internal sealed class ForwardedClient(LinkConnection link, LinkClient client, ClientJoin join) : ClientSink
{
    private readonly TaskCompletionSource<string?> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for the other relay. Where that is given up, the client is taken back.</summary>
    /// <returns>Null where it is taken, else the code of why not.</returns>
    public async Task<string?> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _outcome.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It may have been taken in the last moment: then this is its end.
            link.Fail(client, ErrorCode.Timeout, "the relay of its device did not say in time whether it takes it");
            return await _outcome.Task.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override void Resumed()
    {
        // The first that comes counts: with the link's lock held, nothing comes in between.
        if (client.Sink == this)
        {
            link.Join(client, join);
            _outcome.TrySetResult(null);
        }
    }

    /// <inheritdoc/>
    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        Resumed();
        return client.Sink!.Received(data, isFrameEnd);
    }

    /// <inheritdoc/>
    public override void PeerEnded()
    {
        Resumed();
        client.Sink!.PeerEnded();
    }

    /// <inheritdoc/>
    public override void Failed(string code, string message) => _outcome.TrySetResult(code);

    /// <inheritdoc/>
    public override void LinkLost() => _outcome.TrySetResult(ErrorCode.LinkLost);

    /// <inheritdoc/>
    public override void Sent()
    {
    }
}
