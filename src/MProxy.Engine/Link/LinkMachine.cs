using System.Buffers;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>
/// The logic of a link: bytes, time, and what the local side did, come in; client events and frames go out. No I/O, no tasks, no
/// lock of its own: its driver calls it under one. It only counts what waits; the driver keeps the bytes.
/// </summary>
internal sealed class LinkMachine
{
    private const int MaxErrorLength = 4 << 10;

    private readonly LinkRole _role;
    private readonly ILinkEvents _events;
    private readonly FrameScanner _scanner = new();
    private readonly TurnQueue _turns;
    private readonly Liveness _liveness;
    private readonly Outbox _outbox;
    private readonly ArrayBufferWriter<byte> _errorBody = new();
    private FrameKind _kind;
    private bool _isPadding;
    private LinkClient? _current;
    private TimeSpan? _probed;

    public LinkMachine(LinkRole role, LinkOptions options, ILinkEvents events, TimeProvider time, Random? random = null)
    {
        _role = role;
        _events = events;
        _turns = new TurnQueue(Traffic);
        _outbox = new Outbox(role, events);
        _liveness = new Liveness(time, options.SilenceOf(role), options.ProbeTimeout);
        Control = new ControlChannel(role, options, _outbox, events, time, random ?? Random.Shared);
        Clients = new LinkClients(role, options, Control, _outbox, events, Traffic, time);
    }

    /// <summary>The back channel: what it is asked to send goes out in order with the machine's own frames.</summary>
    public ControlChannel Control { get; }

    /// <summary>The clients, and what the local side says of them.</summary>
    public LinkClients Clients { get; }

    /// <summary>What has moved.</summary>
    public LinkTraffic Traffic { get; } = new();

    /// <summary>How long the greeting, or the last probe since, took to be answered; null before.</summary>
    public TimeSpan? RoundTrip => _probed ?? Control.RoundTrip;

    /// <summary>When <see cref="Tick"/> is to be called next, as a timestamp.</summary>
    public long NextDeadline => Control.NextDeadline is { } request ? Math.Min(request, _liveness.NextDeadline) : _liveness.NextDeadline;

    /// <summary>Greets; a device waits to be greeted.</summary>
    public void Start()
    {
        if (_role == LinkRole.Relay)
        {
            Control.SendHello();
        }
    }

    /// <summary>Takes bytes of the link in any pieces.</summary>
    /// <exception cref="ProtocolException">The peer does not speak M-PROXY; the link cannot go on.</exception>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        while (_scanner.TryRead(ref bytes, out var slice))
        {
            if (slice.IsStart)
            {
                _kind = slice.Header.Kind;
                _isPadding = slice.Header.BodyLength == 1;
                _current = _kind == FrameKind.Control ? null : Clients.Find(slice.Header);
            }

            Take(slice.Body, slice.IsStart, slice.IsEnd);
        }
    }

    /// <summary>The peer closed the stream.</summary>
    /// <exception cref="IncompleteFrameException">In the middle of a frame.</exception>
    public void Complete() => _scanner.Complete();

    /// <summary>Time has passed.</summary>
    /// <param name="heardAt">When the last byte came over the carrier, as a timestamp: WebSocket pings count, though they bring no data.</param>
    public void Tick(long heardAt)
    {
        switch (_liveness.Check(heardAt))
        {
            case Liveness.Verdict.Probe:
                Probe();
                break;
            case Liveness.Verdict.Dead:
                _events.Broke(new LinkException("The peer has been silent for too long and does not answer.", code: ErrorCode.Timeout));
                break;
            default:
                break;
        }

        Control.Expire();
    }

    /// <summary>A client has a frame to send. It is copied when its turn comes, and the client may offer the next then.</summary>
    public void Offer(LinkClient client, ReadOnlyMemory<byte> frame)
    {
        if (_turns.Offer(client, frame))
        {
            _events.WorkReady();
        }
    }

    /// <summary>Takes a frame back that was offered. False where it is on its way already.</summary>
    public static bool Withdraw(LinkClient client)
    {
        var was = !client.Pending.IsEmpty;
        client.Pending = default;
        return was;
    }

    /// <summary>Takes nothing more of a client from either side. It may still end, in any way.</summary>
    public void Suspend(LinkClient client) => Clients.Suspend(client);

    /// <summary>Lets a suspended client go on, unless the peer has paused it.</summary>
    public void Resume(LinkClient client)
    {
        Clients.Resume(client);
        GoOn(client);
    }

    /// <summary>Fills one send: the machine's own frames first, then those of clients in turn.</summary>
    /// <param name="batch">Where they go.</param>
    /// <param name="enough">No more frames of clients are taken once there is as much, in bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public int Gather(Span<byte> batch, int enough)
    {
        var length = _outbox.MoveTo(batch);

        // A client's connection may be in the outbox still: its data stays behind that.
        while (_outbox.IsEmpty && length < enough && _turns.MoveNext(batch[length..], out var taken) is { } client)
        {
            length += taken;
            _events.Sent(client);
        }

        return length;
    }

    /// <summary>Asks the peer for a sign of life, which also measures the round trip. An old peer answers that it does not know the command: life as well.</summary>
    public void Probe() => Control.Ping(reply =>
    {
        if (reply is { Code: not ErrorCode.Timeout, RoundTrip: { } roundTrip })
        {
            _probed = roundTrip;
            _events.Measured(roundTrip);
        }
    });

    private void Take(ReadOnlySpan<byte> body, bool isStart, bool isEnd)
    {
        if (_kind == FrameKind.Control)
        {
            Control.Take(body, isStart, isEnd);
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

    private void TakeForClient(LinkClient client, ReadOnlySpan<byte> body, bool isEnd)
    {
        switch (_kind)
        {
            case FrameKind.Message:
                Clients.TakeData(client, body, isEnd);
                break;
            case FrameKind.Connection when !body.IsEmpty && (!_isPadding || !body.SequenceEqual(" "u8)):
                // The description allows a body on connection: the client's first bytes.
                Clients.TakeData(client, body, isEnd);
                break;
            case FrameKind.End when isEnd:
                Clients.TakeEnd(client);
                break;
            case FrameKind.Pause when isEnd:
                Traffic.PauseCame();
                client.IsPausedByPeer = true;
                break;
            case FrameKind.Resume when isEnd:
                client.IsPausedByPeer = false;
                GoOn(client);
                _events.Resumed(client);
                break;
            default:
                break;
        }
    }

    private void GoOn(LinkClient client)
    {
        if (_turns.Resume(client))
        {
            _events.WorkReady();
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
            Clients.TakeError(client, ErrorBody.Parse(_errorBody.WrittenSpan));
        }
    }
}
