using System.Buffers;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// The logic of a link: bytes, and what the local sockets did, come in; client events and frames go out. No I/O, no tasks, no
/// lock of its own: its driver calls it under one. It only counts what waits; the driver keeps the bytes.
/// </summary>
internal sealed class LinkMachine
{
    private const int MaxErrorLength = 4 << 10;

    private readonly LinkRole _role;
    private readonly LinkOptions _options;
    private readonly ILinkEvents _events;
    private readonly FrameScanner _scanner = new();
    private readonly ClientTable _clients = new();
    private readonly EndedClients _ended;
    private readonly ControlChannel _control;
    private readonly ArrayBufferWriter<byte> _errorBody = new();
    private FrameKind _kind;
    private long _bodyLength;
    private LinkClient? _current;
    private long _waiting;
    private bool _peerSendsConnection;
    private bool _wasUp;

    public LinkMachine(LinkRole role, LinkOptions options, ILinkEvents events, TimeProvider time)
    {
        _role = role;
        _options = options;
        _events = events;
        _ended = new EndedClients(time);
        _control = new ControlChannel(role, Outbox);
        if (role == LinkRole.Relay)
        {
            _control.SendHello();
        }
    }

    public Outbox Outbox { get; } = new();

    /// <summary>Both sides have greeted.</summary>
    public bool IsUp => _control.IsUp;

    public int ClientCount => _clients.Count;

    public IEnumerable<LinkClient> Clients => _clients.All;

    /// <summary>Takes bytes of the link in any pieces.</summary>
    /// <exception cref="ProtocolException">The peer does not speak M-PROXY; the link cannot go on.</exception>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        while (_scanner.TryRead(ref bytes, out var slice))
        {
            if (slice.IsStart)
            {
                Start(slice.Header);
            }

            Take(slice.Body, slice.IsStart, slice.IsEnd);
        }
    }

    /// <summary>Relay side: announces a client. Null where one of the same identity is on the link: the two could not be told apart.</summary>
    /// <exception cref="FrameFieldException">The header cannot carry this client.</exception>
    public LinkClient? Open(in FrameMeta meta)
    {
        var client = new LinkClient(meta);
        var connection = FrameEncoder.Encode(FrameKind.Connection, meta, default);
        if (!_clients.TryAdd(client))
        {
            return null;
        }

        _ended.Remove(client.SocketId);
        Send(connection);
        return client;
    }

    /// <summary>The local socket has taken bytes of a client.</summary>
    public void Delivered(LinkClient client, int count)
    {
        if (client.HasFailed)
        {
            return;
        }

        _waiting -= count;
        client.Waiting -= count;
        if (client.HasPausedPeer && !client.IsClosed && client.Waiting <= _options.LowMark)
        {
            client.HasPausedPeer = false;
            SendCount(FrameKind.Resume, client);
        }
    }

    /// <summary>The local socket sends nothing more; all of its data is out.</summary>
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
        var tellPeer = !client.IsClosed;

        // One that has ended both ways may fail too, while the rest of its data is delivered.
        if (!client.HasFailed)
        {
            Drop(client);
        }

        if (tellPeer)
        {
            Send(FrameKind.Error, client.Meta, ErrorBody.Create(message, code));
        }
    }

    private void Start(in FrameHeader header)
    {
        _kind = header.Kind;
        _bodyLength = header.BodyLength;
        _current = null;
        if (_kind == FrameKind.Control)
        {
            return;
        }

        _current = _clients.Find(header.Identity);
        switch (_kind)
        {
            case FrameKind.Connection when _role == LinkRole.Device:
                _peerSendsConnection = true;
                _current ??= Accept(header);
                break;
            case FrameKind.Message when _current is null:
                _current = MayOpenUnasked(header) ? Accept(header) : Refuse(header);
                break;
            default:
                break;
        }
    }

    /// <summary>Older peers send no connection: their first message opens a client, unless it is the tail of one that ended.</summary>
    private bool MayOpenUnasked(in FrameHeader header) =>
        _role == LinkRole.Device && !_peerSendsConnection && !_ended.Contains(FrameHeader.Text(header.Identity));

    private LinkClient? Accept(in FrameHeader header)
    {
        LinkClient client;
        try
        {
            client = new LinkClient(header.ToMeta());
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

        _clients.TryAdd(client);
        _ended.Remove(client.SocketId);
        _events.Opened(client);
        return client;
    }

    /// <summary>Says once that there is no such client: what was in flight behind the first frame would only flood the peer with answers.</summary>
    private LinkClient? Refuse(in FrameHeader header)
    {
        if (!_ended.TryTell(FrameHeader.Text(header.Identity)))
        {
            return null;
        }

        try
        {
            Send(FrameKind.Error, header.ToMeta() with { Service = null }, ErrorBody.Create("there is no such client", ErrorCode.NoConnection));
        }
        catch (FrameFieldException)
        {
            // Nothing can be said to a client whose header cannot be written.
        }

        return null;
    }

    private void Take(ReadOnlySpan<byte> body, bool isStart, bool isEnd)
    {
        if (_kind == FrameKind.Control)
        {
            TakeControl(body, isStart, isEnd);
        }
        else if (_kind == FrameKind.Error)
        {
            TakeError(body, isStart, isEnd);
        }
        else if (_current is { IsClosed: false } client)
        {
            TakeForClient(client, body, isEnd);
        }
    }

    private void TakeControl(ReadOnlySpan<byte> body, bool isStart, bool isEnd)
    {
        _control.Take(body, isStart, isEnd);
        _events.OutboxFilled();
        if (_control.IsUp && !_wasUp)
        {
            _wasUp = true;
            _events.WentUp();
        }
    }

    private void TakeForClient(LinkClient client, ReadOnlySpan<byte> body, bool isEnd)
    {
        switch (_kind)
        {
            case FrameKind.Message:
                TakeData(client, body);
                break;
            case FrameKind.Connection when _bodyLength != 1 || !body.SequenceEqual(" "u8):
                // The description allows a body on connection: the client's first bytes.
                TakeData(client, body);
                break;
            case FrameKind.End when isEnd && !client.EndReceived:
                client.EndReceived = true;
                _events.PeerEnded(client);
                CloseWhenEnded(client);
                break;
            case FrameKind.Pause when isEnd:
                client.IsPausedByPeer = true;
                break;
            case FrameKind.Resume when isEnd:
                client.IsPausedByPeer = false;
                _events.Resumed(client);
                break;
            default:
                break;
        }
    }

    private void TakeData(LinkClient client, ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty || client.EndReceived)
        {
            return;
        }

        if (client.Waiting + body.Length > _options.ClientBound || _waiting + body.Length > _options.LinkBudget)
        {
            Fail(client, ErrorCode.Overflow, "too much data is waiting for this client");
            _events.Failed(client, ErrorCode.Overflow, "too much data was waiting");
            return;
        }

        client.Waiting += body.Length;
        client.BytesReceived += body.Length;
        _waiting += body.Length;
        _events.Received(client, body);
        if (!client.HasPausedPeer && client.Waiting > _options.HighMark)
        {
            client.HasPausedPeer = true;
            SendCount(FrameKind.Pause, client);
        }
    }

    private void TakeError(ReadOnlySpan<byte> body, bool isStart, bool isEnd)
    {
        if (isStart)
        {
            _errorBody.ResetWrittenCount();
        }

        var room = Math.Min(body.Length, MaxErrorLength - _errorBody.WrittenCount);
        _errorBody.Write(body[..room]);
        if (isEnd && _current is { IsClosed: false } client)
        {
            var error = ErrorBody.Parse(_errorBody.WrittenSpan);
            Drop(client);
            _events.Failed(client, error.Code ?? ErrorCode.Unknown, error.Message ?? "");
        }
    }

    private void CloseWhenEnded(LinkClient client)
    {
        if (client is { EndSent: true, EndReceived: true })
        {
            Close(client);
        }
    }

    /// <summary>Closes a client whose waiting bytes nobody will take: they no longer count against the link.</summary>
    private void Drop(LinkClient client)
    {
        client.HasFailed = true;
        _waiting -= client.Waiting;
        client.Waiting = 0;
        Close(client);
    }

    private void Close(LinkClient client)
    {
        if (client.IsClosed)
        {
            return;
        }

        client.IsClosed = true;
        _clients.Remove(client);
        _ended.Add(client.SocketId);
    }

    private void SendCount(FrameKind kind, LinkClient client) => Send(kind, client.Meta, JsonText.Serialize(client.BytesReceived));

    private void Send(FrameKind kind, in FrameMeta meta, ReadOnlySpan<byte> body) => Send(FrameEncoder.Encode(kind, meta, body));

    private void Send(byte[] frame)
    {
        Outbox.Add(frame);
        _events.OutboxFilled();
    }
}
