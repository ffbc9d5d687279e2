namespace MProxy.Engine.Link;

/// <summary>Slows a client down to its own rate and to that of its link, in one direction. Its sender is slowed down by that, as by a slow reader.</summary>
/// <param name="client">The client.</param>
/// <param name="perSecond">What the client may move now, in bytes per second; 0 for no limit.</param>
/// <param name="shared">What all clients of the link may move together.</param>
/// <param name="struck">Told each time that a client has to wait.</param>
/// <param name="time">The clock.</param>
internal sealed class ClientThrottle(LinkClient client, Func<double> perSecond, RateBucket shared, Action<LinkClient, ClientThrottle.Limit> struck, TimeProvider time)
{
    /// <summary>For how long a rate that is not used is saved up: short, so that what moves is even, and long enough for a large read.</summary>
    public static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private const int LeastPiece = 1 << 10;
    private const int MostPiece = 64 << 10;

    // A wait is looked at again after this long: the rate may have changed.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    // Made when it is first needed: clients without limits may be many.
    private RateBucket? _own;
    private volatile bool _isWaiting;
    private long _waitedUntil;

    /// <summary>Whose rate it was.</summary>
    public enum Limit
    {
        /// <summary>The client's own.</summary>
        Client,

        /// <summary>That of the link.</summary>
        Device,
    }

    /// <summary>There is a limit.</summary>
    public bool IsOn => perSecond() > 0 || shared.IsOn;

    /// <summary>The client would move something, and has to wait; or had to after a timestamp, and may not have moved it yet.</summary>
    public bool IsWaiting(long since) => _isWaiting || Interlocked.Read(ref _waitedUntil) > since;

    /// <summary>How many bytes to move at a time, so that what moves is even: 1 KiB to 64 KiB, or any number where there is no limit.</summary>
    public int Piece => !IsOn ? int.MaxValue : (int)Math.Clamp(Math.Min(Own.Capacity, shared.Capacity) / 4, LeastPiece, MostPiece);

    private RateBucket Own => _own ??= new RateBucket(perSecond, Burst, time);

    /// <summary>Waits until bytes may be moved.</summary>
    /// <exception cref="OperationCanceledException">The client is over.</exception>
    public ValueTask SpendAsync(int bytes, CancellationToken cancellationToken)
    {
        if (!IsOn)
        {
            return ValueTask.CompletedTask;
        }

        // A keystroke need not wait until it is the turn of what others move in bulk.
        var isAhead = bytes < LeastPiece && shared.TryTakeAhead(bytes);
        var (ofOwn, ofShared) = (Own.Take(bytes), isAhead ? double.NegativeInfinity : shared.Take(bytes));
        var (forOwn, forShared) = (Own.WaitFor(ofOwn), shared.WaitFor(ofShared));
        if (forOwn <= TimeSpan.Zero && forShared <= TimeSpan.Zero)
        {
            return ValueTask.CompletedTask;
        }

        struck(client, forOwn >= forShared ? Limit.Client : Limit.Device);
        return new ValueTask(WaitAsync(bytes, ofOwn, ofShared, cancellationToken));
    }

    /// <summary>Takes bytes that cannot wait. False where they are too many now.</summary>
    public bool TrySpend(int bytes)
    {
        // What is dropped costs neither anything.
        var limit = !Own.Has(bytes) ? Limit.Client : !shared.TryTakeAhead(bytes) ? Limit.Device : (Limit?)null;
        if (limit is { } hit)
        {
            struck(client, hit);
            return false;
        }

        Own.Take(bytes);
        return true;
    }

    private async Task WaitAsync(int bytes, double ofOwn, double ofShared, CancellationToken cancellationToken)
    {
        _isWaiting = true;
        try
        {
            for (; ; )
            {
                var (forOwn, forShared) = (Own.WaitFor(ofOwn), shared.WaitFor(ofShared));
                var wait = forOwn > forShared ? forOwn : forShared;
                if (wait <= TimeSpan.Zero)
                {
                    return;
                }

                // At least what a timer can tell from nothing.
                await Task.Delay(wait < ShortestWait ? ShortestWait : wait < LongestWait ? wait : LongestWait, time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Others wait behind these bytes, which will never move.
            shared.GiveBack(bytes);
            throw;
        }
        finally
        {
            // In this order, so that whoever looks meanwhile sees one of both.
            Interlocked.Exchange(ref _waitedUntil, time.GetTimestamp());
            _isWaiting = false;
        }
    }
}
