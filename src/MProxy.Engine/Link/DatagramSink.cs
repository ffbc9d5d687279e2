using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// This side's end of a client of datagrams: one frame is one datagram, whole and in order. What cannot go on now is dropped, as any network does,
/// and never holds up another. Source: protocol.md, section 4.
/// </summary>
/// <param name="link">The link.</param>
/// <param name="client">The client.</param>
/// <param name="budget">What may wait in all.</param>
internal abstract class DatagramSink(LinkConnection link, LinkClient client, DatagramBudget budget) : ClientSink
{
    /// <summary>The longest datagram that UDP over IPv4 has, in bytes.</summary>
    public const int MaxLength = 65_507;

    private const int MaxWaiting = 256;

    private readonly Queue<Waiting> _waiting = new();
    private readonly DatagramBudget _own = new(DatagramBudget.OfClient);
    private Waiting _offered;
    private bool _isOver;
    private byte[]? _partial;
    private int _partialLength;

    /// <summary>The client.</summary>
    public LinkClient Client => client;

    protected LinkConnection Link => link;

    /// <summary>Sends a datagram to the link in its turn.</summary>
    /// <returns>False where it was dropped: too many wait, or the client is over.</returns>
    public bool TrySend(ReadOnlySpan<byte> datagram)
    {
        Waiting next;
        lock (_waiting)
        {
            if (_isOver || _waiting.Count >= MaxWaiting || !TryReserve(datagram.Length))
            {
                return false;
            }

            next = Pack(datagram);
            if (_offered.Buffer is not null)
            {
                _waiting.Enqueue(next);
                return true;
            }

            _offered = next;
        }

        if (TryOffer(next))
        {
            return true;
        }

        // It has ended on the link: nothing that comes later is taken either.
        Clear();
        return false;
    }

    /// <inheritdoc/>
    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        if (isFrameEnd && _partialLength == 0 && data.Length <= MaxLength)
        {
            Deliver(data);
            return data.Length;
        }

        if (_partialLength + data.Length > MaxLength)
        {
            link.Fail(client, ErrorCode.Overflow, "a datagram has 65507 bytes at most");
            return data.Length;
        }

        if (Join(data, isFrameEnd) is { } whole)
        {
            Deliver(whole.AsSpan(0, _partialLength));
            _partialLength = 0;
            link.Ledger.Return(whole);
        }

        return data.Length;
    }

    /// <summary>There is no half-open client of datagrams: who ends one direction ends both.</summary>
    public override void PeerEnded() => link.End(client);

    /// <inheritdoc/>
    public override void Failed(string code, string message)
    {
    }

    /// <inheritdoc/>
    public override void LinkLost()
    {
    }

    /// <inheritdoc/>
    public override void Sent()
    {
        Waiting next;
        lock (_waiting)
        {
            Return(_offered);
            _ = _waiting.TryDequeue(out next);
            _offered = next;
        }

        if (next.Buffer is not null && !TryOffer(next))
        {
            Clear();
        }
    }

    /// <inheritdoc/>
    public override void Over()
    {
        Clear();
        DropPartial();
    }

    /// <summary>Makes room for what waits, in all three: of the client, of its link, and of all.</summary>
    protected bool TryReserve(int length)
    {
        if (!_own.TryTake(length))
        {
            return false;
        }

        if (link.Datagrams.TryTake(length))
        {
            if (budget.TryTake(length))
            {
                return true;
            }

            link.Datagrams.Return(length);
        }

        _own.Return(length);
        return false;
    }

    /// <summary>It waits no more.</summary>
    protected void Unreserve(int length)
    {
        _own.Return(length);
        link.Datagrams.Return(length);
        budget.Return(length);
    }

    /// <summary>A datagram came from the link. Called with the link's lock held: the span is valid during the call only.</summary>
    protected abstract void Deliver(ReadOnlySpan<byte> datagram);

    /// <summary>A client that is over by now gives its buffers back itself.</summary>
    private bool TryOffer(in Waiting next) => link.TryOffer(client, next.Buffer.AsMemory(next.Start, next.Length));

    private Waiting Pack(ReadOnlySpan<byte> datagram)
    {
        var buffer = link.Ledger.Rent(WireFormat.MaxHeaderRoom + datagram.Length);
        datagram.CopyTo(buffer.AsSpan(WireFormat.MaxHeaderRoom));
        var header = client.Message.WriteBefore(buffer.AsSpan(0, WireFormat.MaxHeaderRoom), datagram.Length);
        return new Waiting(buffer, WireFormat.MaxHeaderRoom - header, header + datagram.Length, datagram.Length);
    }

    private void Clear()
    {
        lock (_waiting)
        {
            _isOver = true;
            Return(_offered);
            _offered = default;
            while (_waiting.TryDequeue(out var waiting))
            {
                Return(waiting);
            }
        }
    }

    private void Return(in Waiting waiting)
    {
        if (waiting.Buffer is not null)
        {
            link.Ledger.Return(waiting.Buffer);
            Unreserve(waiting.BodyLength);
        }
    }

    /// <summary>Adds to a datagram that comes in parts. Its reader has it when it is whole; before, it goes with the client.</summary>
    private byte[]? Join(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        lock (_waiting)
        {
            if (_isOver)
            {
                return null;
            }

            _partial ??= link.Ledger.Rent(MaxLength);
            data.CopyTo(_partial.AsSpan(_partialLength));
            _partialLength += data.Length;
            return isFrameEnd ? Interlocked.Exchange(ref _partial, null) : null;
        }
    }

    private void DropPartial()
    {
        lock (_waiting)
        {
            if (_partial is not null)
            {
                link.Ledger.Return(_partial);
                _partial = null;
            }
        }
    }

    /// <summary>A frame that waits for its turn.</summary>
    private readonly record struct Waiting(byte[] Buffer, int Start, int Length, int BodyLength);
}
