using MProxy.Engine.Link;

namespace MProxy.Engine.Fleet;

/// <summary>One client of datagrams on one of the two links that carry it on: each datagram goes out over the other, or is dropped.</summary>
/// <param name="link">The link.</param>
/// <param name="client">The client there.</param>
/// <param name="budget">What may wait in all.</param>
/// <param name="dropped">Told of each datagram that cannot go on.</param>
internal sealed class HopDatagrams(LinkConnection link, LinkClient client, DatagramBudget budget, Action dropped) : DatagramSink(link, client, budget)
{
    // What comes before there is another end, as few as a first question has.
    private const int MaxEarly = 16;

    private readonly Queue<byte[]> _early = new();
    private HopDatagrams? _other;
    private bool _isOver;

    /// <summary>Drops what came over this link and is too much; null where nothing does.</summary>
    public ClientThrottle? Throttle { get; set; }

    /// <summary>The client is over.</summary>
    public bool IsOver
    {
        get
        {
            lock (_early)
            {
                return _isOver;
            }
        }
    }

    /// <inheritdoc/>
    public override bool TakesUnlocked => true;

    /// <inheritdoc/>
    public override bool IsGuest => true;

    /// <summary>Joins the two ends. What came before is sent on by <see cref="SendEarly"/>.</summary>
    public void JoinWith(HopDatagrams other)
    {
        lock (_early)
        {
            (_other, other._other) = (other, this);
        }
    }

    /// <summary>Sends on what came before there was another end.</summary>
    public void SendEarly()
    {
        for (; ; )
        {
            byte[]? datagram;
            lock (_early)
            {
                if (!_early.TryDequeue(out datagram))
                {
                    return;
                }

                Unreserve(datagram.Length);
            }

            SendOn(datagram);
        }
    }

    /// <summary>Ends the client on this link.</summary>
    public void End() => Link.End(Client);

    /// <summary>
    /// The peer is done, and so is the device: this end is over behind that one, since a next client of the same address and port finds that way free only
    /// then.
    /// </summary>
    public override void PeerEnded()
    {
        HopDatagrams? other;
        lock (_early)
        {
            other = _other;
        }

        if (other is null || other.IsOver)
        {
            base.PeerEnded();
        }
        else
        {
            EndLater(other);
        }
    }

    /// <inheritdoc/>
    public override void Over()
    {
        base.Over();
        HopDatagrams? other;
        lock (_early)
        {
            _isOver = true;
            other = _other;
            while (_early.TryDequeue(out var datagram))
            {
                Unreserve(datagram.Length);
            }
        }

        if (other is not null)
        {
            EndLater(other);
        }
    }

    /// <inheritdoc/>
    protected override void Deliver(ReadOnlySpan<byte> datagram)
    {
        lock (_early)
        {
            if (_other is null)
            {
                if (!_isOver && _early.Count < MaxEarly && TryReserve(datagram.Length))
                {
                    _early.Enqueue(datagram.ToArray());
                }
                else
                {
                    dropped();
                }

                return;
            }
        }

        SendOn(datagram);
    }

    /// <summary>Not here and now: this link's lock is held, and the other's is needed.</summary>
    private static void EndLater(HopDatagrams end) => ThreadPool.UnsafeQueueUserWorkItem(static end => end.End(), end, preferLocal: false);

    private void SendOn(ReadOnlySpan<byte> datagram)
    {
        if (Throttle?.TrySpend(datagram.Length) == false || !_other!.TrySend(datagram))
        {
            dropped();
        }
    }
}
