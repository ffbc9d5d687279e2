namespace MProxy.Engine.Link;

/// <summary>Slows a client down to its own rate and to that of its link, in one direction. Its sender is slowed down by that, as by a slow reader.</summary>
/// <param name="own">What the client may move.</param>
/// <param name="shared">What all clients of the link may move together.</param>
/// <param name="struck">Told each time that a client has to wait.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientThrottle(RateBucket own, RateBucket shared, Action<ClientThrottle.Limit> struck, TimeProvider time)
{
    /// <summary>Whose rate it was.</summary>
    public enum Limit
    {
        /// <summary>The client's own.</summary>
        Client,

        /// <summary>That of the link.</summary>
        Device,
    }

    /// <summary>There is a limit.</summary>
    public bool IsOn => own.IsOn || shared.IsOn;

    /// <summary>Waits until bytes that were moved are paid for.</summary>
    /// <exception cref="OperationCanceledException">The client is over.</exception>
    public ValueTask SpendAsync(int bytes, CancellationToken cancellationToken)
    {
        if (!IsOn)
        {
            return ValueTask.CompletedTask;
        }

        var (ofOwn, ofShared) = (own.Take(bytes), shared.Take(bytes));
        var wait = ofOwn > ofShared ? ofOwn : ofShared;
        if (wait <= TimeSpan.Zero)
        {
            return ValueTask.CompletedTask;
        }

        struck(ofOwn >= ofShared ? Limit.Client : Limit.Device);
        return new ValueTask(Task.Delay(wait, time, cancellationToken));
    }

    /// <summary>Takes bytes that cannot wait. False where they are too many now.</summary>
    public bool TrySpend(int bytes)
    {
        var limit = !own.TryTake(bytes) ? Limit.Client : !shared.TryTake(bytes) ? Limit.Device : (Limit?)null;
        if (limit is { } hit)
        {
            struck(hit);
        }

        return limit is null;
    }
}
