using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>The clients of a link, each from its connection to its end. Source: protocol.md, section 4.</summary>
internal sealed class LinkClients
{
    private const int MaxErrorText = 1000;

    private readonly LinkRole _role;
    private readonly ControlChannel _control;
    private readonly Outbox _outbox;
    private readonly ILinkEvents _events;
    private readonly ClientTable _table = new();
    private readonly FlowControl _flow;
    private readonly LateFrames _late;
    private readonly LinkTraffic _traffic;
    private readonly TimeProvider _time;
    private bool _peerSendsConnection;

    public LinkClients(LinkRole role, LinkOptions options, ControlChannel control, Outbox outbox, ILinkEvents events, LinkTraffic traffic, TimeProvider time)
    {
        _role = role;
        _control = control;
        _outbox = outbox;
        _events = events;
        _traffic = traffic;
        _time = time;
        _flow = new FlowControl(options);
        _late = new LateFrames(time);
    }

    public int Count => _table.Count;

    /// <summary>How many of them came for a service of datagrams.</summary>
    public int DatagramCount => _table.DatagramCount;

    /// <summary>What waits for the slow sockets of all clients together, in bytes.</summary>
    public long Waiting => _flow.Total;

    public IEnumerable<LinkClient> All => _table.All;

    public LinkClient? Find(ReadOnlySpan<byte> identity) => _table.Find(identity);

    /// <summary>Relay side: announces a client. Null where one of the same identity is on the link, or is held back: the two could not be told apart.</summary>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public LinkClient? Open(in FrameMeta meta)
    {
        var client = new LinkClient(meta) { OpenedAt = _time.GetUtcNow(), Since = _time.GetTimestamp() };
        var connection = FrameEncoder.Encode(FrameKind.Connection, meta, default);
        if (IsHeldBack(client.SocketId) || !_table.TryAdd(client))
        {
            return null;
        }

        _late.Remove(client.SocketId);
        _outbox.Add(connection);
        return client;
    }

    /// <summary>
    /// Frames of a client that is over may still come under its identity: until they have, which the peer is asked to say, no other can have it.
    /// <see cref="ILinkEvents.Released"/> tells when to try again.
    /// </summary>
    public bool IsHeldBack(string socketId)
    {
        if (_late.Want(socketId))
        {
            SendBarrier();
        }

        return _late.IsHeldBack(socketId);
    }

    /// <summary>The local side has taken bytes of a client.</summary>
    public void Delivered(LinkClient client, int count)
    {
        if (!client.HasFailed && _flow.Remove(client, count))
        {
            SendCount(FrameKind.Resume, client);
        }
    }

    /// <summary>Nothing more is to come for a client, whatever its local side takes. What is here is still delivered.</summary>
    public void Suspend(LinkClient client)
    {
        if (client is { IsClosed: false, IsSuspended: false })
        {
            // One with too much waiting has paused its peer already.
            SendUnlessFull(FrameKind.Pause, client);
            client.IsSuspended = true;
        }
    }

    /// <summary>Undoes a suspension and nothing else: a client with too much waiting keeps its peer paused.</summary>
    public void Resume(LinkClient client)
    {
        if (client is { IsClosed: false, IsSuspended: true })
        {
            client.IsSuspended = false;
            SendUnlessFull(FrameKind.Resume, client);
        }
    }

    /// <summary>Device side, between relays: says that the client is taken, to a peer that waits for it. For any other it changes nothing.</summary>
    public void Accept(LinkClient client)
    {
        if (!client.IsClosed)
        {
            SendCount(FrameKind.Resume, client);
        }
    }

    /// <summary>The local side sends nothing more; all of its data is out.</summary>
    public void End(LinkClient client)
    {
        if (!client.IsClosed && !client.EndSent)
        {
            client.EndSent = true;
            Send(FrameKind.End, client.Meta, default);
            CloseWhenEnded(client);
        }
    }

    /// <summary>Ends a client both ways at once, and tells the peer.</summary>
    public void Fail(LinkClient client, string code, string message)
    {
        // One that has ended both ways may fail too, while the rest of its data is delivered: that is no business of the peer.
        if (!client.IsClosed)
        {
            Send(FrameKind.Error, client.Meta, ErrorBody.Create(message.Length <= MaxErrorText ? message : message[..MaxErrorText], code));
            HoldBack(client, atOnce: true);
        }

        if (!client.HasFailed)
        {
            Drop(client, code, wasTold: true);
        }
    }

    /// <summary>The client that a frame is for: found, brought by it, or null where the frame is for nobody.</summary>
    public LinkClient? Find(in FrameHeader header)
    {
        var client = _table.Find(header.Identity);
        switch (header.Kind)
        {
            case FrameKind.Connection when _role == LinkRole.Device:
                _peerSendsConnection = true;
                return client ?? Accept(header);
            case FrameKind.Message when client is null:
                return MayOpenUnasked(header) ? Accept(header) : Refuse(header);
            default:
                // Checked on every frame: a device speaks for a client on the port and name that the client came to, and no other.
                if (_role == LinkRole.Relay && client is not null && !client.Matches(header))
                {
                    FailBoth(client, ErrorCode.NotGranted, "a frame names another port or name than the client's");
                }

                return client;
        }
    }

    public void TakeData(LinkClient client, ReadOnlySpan<byte> body, bool isFrameEnd)
    {
        if (client.EndReceived || (body.IsEmpty && !(client.IsDatagram && isFrameEnd)))
        {
            return;
        }

        if (!_flow.Fits(client, body.Length))
        {
            FailBoth(client, ErrorCode.Overflow, "too much data is waiting for this client");
            return;
        }

        while (_flow.FindVictim(client, body.Length) is { } victim)
        {
            FailBoth(victim, ErrorCode.Overflow, "too much data is waiting on this link, most of it for this client");
            if (victim == client)
            {
                return;
            }
        }

        client.BytesReceived += body.Length;
        _traffic.Came(body.Length);
        var rest = body.Length - _events.Received(client, body, isFrameEnd);
        if (rest > 0 && !client.HasFailed && _flow.Add(client, rest))
        {
            SendCount(FrameKind.Pause, client);
        }
    }

    public void TakeEnd(LinkClient client)
    {
        if (!client.EndReceived)
        {
            client.EndReceived = true;
            _events.PeerEnded(client);
            CloseWhenEnded(client);
        }
    }

    public void TakeError(LinkClient client, ErrorBody error)
    {
        var code = error.Code ?? ErrorCode.Unknown;
        Drop(client, code, wasTold: false);
        _events.Failed(client, code, error.Message ?? "");
    }

    /// <summary>Older peers send no connection: their first message opens a client, unless it is the tail of one that ended.</summary>
    private bool MayOpenUnasked(in FrameHeader header) =>
        _role == LinkRole.Device && !_peerSendsConnection && !_late.Contains(FrameHeader.Text(header.Identity));

    private LinkClient? Accept(in FrameHeader header)
    {
        LinkClient client;
        try
        {
            client = new LinkClient(header.ToMeta()) { OpenedAt = _time.GetUtcNow(), Since = _time.GetTimestamp() };
        }
        catch (FrameFieldException)
        {
            // A name that leaves no room for a longer SIZE, or a control character: such a client cannot be answered.
            return Refuse(header);
        }

        // An identity that is not written canonically (port 005) would be answered under another one.
        if (!header.Identity.SequenceEqual(client.Identity))
        {
            return Refuse(header);
        }

        _table.TryAdd(client);
        _late.Remove(client.SocketId);
        _events.Opened(client);
        return client;
    }

    /// <summary>Says once that there is no such client: what was in flight behind the first frame would only flood the peer with answers.</summary>
    private LinkClient? Refuse(in FrameHeader header)
    {
        if (!_late.TryTell(FrameHeader.Text(header.Identity)))
        {
            return null;
        }

        try
        {
            _outbox.AddAnswer(FrameEncoder.Encode(
                FrameKind.Error, header.ToMeta() with { Service = null }, ErrorBody.Create("there is no such client", ErrorCode.NoConnection)));
        }
        catch (FrameFieldException)
        {
            // Nothing can be said to a client whose header cannot be written.
        }

        return null;
    }

    /// <summary>However long the answer takes: before it, what was on its way may still come.</summary>
    private void SendBarrier() => _control.Ping(
        _ =>
        {
            if (_late.BarrierPassed())
            {
                SendBarrier();
            }

            _events.Released();
        },
        expires: false);

    /// <summary>The device may not know yet that a client is over, and speak of it: pause, resume, fail, or go on.</summary>
    private void HoldBack(LinkClient client, bool atOnce)
    {
        if (_role == LinkRole.Relay && _late.HoldBack(client.SocketId, atOnce))
        {
            SendBarrier();
        }

        if (_late.IsFull)
        {
            _events.Broke(new LinkException("The peer answers no ping behind the ends of its clients."));
        }
    }

    private void CloseWhenEnded(LinkClient client)
    {
        if (client is { EndSent: true, EndReceived: true })
        {
            // Datagrams pause nobody, and a question comes from the port of the one before: those are not held up.
            if (!client.IsDatagram)
            {
                HoldBack(client, atOnce: false);
            }

            Close(client, wasTold: false);
        }
    }

    /// <summary>Ends a client at both sides: the peer is told, and the driver too.</summary>
    private void FailBoth(LinkClient client, string code, string message)
    {
        Fail(client, code, message);
        _events.Failed(client, code, message);
    }

    /// <summary>Closes a client whose waiting bytes nobody will take.</summary>
    private void Drop(LinkClient client, string code, bool wasTold)
    {
        client.HasFailed = true;

        // The peer's word, which goes into events, metrics and logs.
        client.EndCode = PlainText.Of(code);
        _flow.Drop(client);
        Close(client, wasTold);
    }

    private void Close(LinkClient client, bool wasTold)
    {
        if (!client.IsClosed)
        {
            client.IsClosed = true;
            client.Pending = default;
            _table.Remove(client);
            _late.Add(client.SocketId, wasTold);
            _events.Closed(client);
        }
    }

    private void SendUnlessFull(FrameKind kind, LinkClient client)
    {
        if (client is { IsFull: false, EndReceived: false })
        {
            SendCount(kind, client);
        }
    }

    private void SendCount(FrameKind kind, LinkClient client)
    {
        Send(kind, client.Meta, JsonText.Serialize(client.BytesReceived));
        if (kind == FrameKind.Pause)
        {
            _traffic.PauseWasSent();
        }
    }

    private void Send(FrameKind kind, in FrameMeta meta, ReadOnlySpan<byte> body) => _outbox.Add(FrameEncoder.Encode(kind, meta, body));
}
