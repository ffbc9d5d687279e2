using System.Buffers;
using System.Collections.Specialized;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>The back channel: greets, asks, answers, and never takes a link down over a message it does not know. Source: protocol.md, section 2.</summary>
internal sealed class ControlChannel
{
    private const int MaxMessageLength = 64 << 10;
    private const long HelloId = 1;
    private const long Version = 1;
    private const long VersionByte = WireFormat.Version1;

    private static readonly object[] Commands = ["add_token", "check_token", "delete_token", "auth", "authn", "authz", "drain", "ping", "services", "session"];

    private readonly LinkRole _role;
    private readonly Outbox _outbox;
    private readonly ILinkEvents _events;
    private readonly ControlRequests _requests;
    private readonly Dictionary<long, Action<ControlReply>> _ours = [];
    private readonly ArrayBufferWriter<byte> _message = new();
    private bool _tooLong;
    private long _greetingId;
    private long _lastId;

    public ControlChannel(LinkRole role, LinkOptions options, Outbox outbox, ILinkEvents events, TimeProvider time, Random random)
    {
        _role = role;
        _outbox = outbox;
        _events = events;
        _requests = new ControlRequests(time, options.RequestTimeout);

        // Ids of ours are positive and start anywhere; the low ones are hello, grant and access_token.
        _lastId = random.Next(1000, 1 << 24);
    }

    /// <summary>
    /// Both sides have greeted: the relay's hello was answered, and the answer was seen. A device knows the latter by a ping behind
    /// it, since any reply to that (old relays do not know the command) comes after the relay has read the answer.
    /// </summary>
    public bool IsUp { get; private set; }

    /// <summary>How long the greeting took to be answered; null before.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <summary>The versions that the relay's hello lists; empty before, and at a relay.</summary>
    public IReadOnlyList<long> PeerVersions { get; private set; } = [];

    /// <summary>The commands that the relay's hello lists; empty before, and at a relay.</summary>
    public IReadOnlyList<string> PeerCommands { get; private set; } = [];

    /// <summary>When a request expires next, as a timestamp; null where none waits.</summary>
    public long? NextDeadline => _requests.NextDeadline;

    /// <summary>Relay to device, on accept.</summary>
    public void SendHello()
    {
        Expect(HelloId, reply =>
        {
            if (reply.Success)
            {
                GoUp(reply);
            }
            else
            {
                _events.Broke(new LinkException($"The device does not accept the hello: {reply.Message}", code: reply.Code));
            }
        });
        Send(HelloId, "hello", new object[] { Version }, Commands);
    }

    /// <summary>Asks the peer for something; its reply, or E_TIMEOUT, comes as an event.</summary>
    /// <returns>The id of the request.</returns>
    /// <exception cref="ArgumentException">The message would be longer than a peer reads.</exception>
    public long Request(string command, params ReadOnlySpan<object?> arguments)
    {
        var id = ++_lastId;
        var frame = Encode([id, command, .. arguments]);
        Expect(id, _events.Replied);
        _outbox.Add(frame);
        return id;
    }

    /// <summary>
    /// Asks for an answer, whatever it is, and hands it to <paramref name="answered"/>. What the peer sent before is here by then. An old
    /// peer answers that it does not know the command, which will do.
    /// </summary>
    /// <param name="answered">Told of the answer.</param>
    /// <param name="expires">E_TIMEOUT is an answer too; else only the end of the link ends the wait.</param>
    public long Ping(Action<ControlReply> answered, bool expires = true)
    {
        var id = ++_lastId;
        Expect(id, answered, expires);
        Send(id, "ping");
        return id;
    }

    /// <summary>Answers a request of the peer: null accepts it.</summary>
    public void Reply(long id, string? code = null, string? message = null) => Send(-id, code is null ? null : Error(code, message));

    /// <summary>Tells the peer of an error that answers nothing.</summary>
    public void Report(string code, string message) => Send(0L, Error(code, message));

    /// <summary>Tells a device something that it does not answer: what it may serve, or a new token.</summary>
    public void Tell(long id, string what, object? content) => Send(id, what, content);

    /// <summary>Gives up on requests whose time is over.</summary>
    public void Expire()
    {
        while (_requests.TryTakeExpired(out var id))
        {
            Finish(ControlReply.TimedOut(id));
        }
    }

    /// <summary>Takes the next slice of a control body.</summary>
    public void Take(ReadOnlySpan<byte> slice, bool isStart, bool isEnd)
    {
        if (isStart)
        {
            _message.ResetWrittenCount();
            _tooLong = false;
        }

        _tooLong |= _message.WrittenCount + slice.Length > MaxMessageLength;
        if (!_tooLong)
        {
            _message.Write(slice);
        }

        if (isEnd)
        {
            Understand(_message.WrittenSpan);
        }
    }

    private static OrderedDictionary Error(string code, string? message) => new() { ["message"] = message, ["code"] = code };

    private void Understand(ReadOnlySpan<byte> json)
    {
        if (!_tooLong && (json.IsEmpty || json.SequenceEqual(" "u8)))
        {
            return;
        }

        if (_tooLong || !JsonText.TryParse(json, out var value) || value is not object?[] { Length: >= 2 } message || message[0] is not long id || id == long.MinValue)
        {
            Report(ErrorCode.BadCommand, _tooLong ? "the control message is too long" : "a control message is a JSON array [id, …]");
            return;
        }

        // Replies and out-of-band errors are not answered: two peers would never stop.
        if (id < 0)
        {
            TakeReply(ControlReply.Parse(-id, message[1]));
        }
        else if (id == 0)
        {
            TakeReport(ControlReply.Parse(0, message[1]));
        }
        else if (message[1] is string name)
        {
            Obey(new ControlCommand(id, name, message.AsMemory(2)));
        }
        else
        {
            Report(ErrorCode.BadCommand, "a control message names its command as text");
        }
    }

    private void Obey(in ControlCommand command)
    {
        switch (command.Name)
        {
            case "hello" when _role == LinkRole.Device:
                Greet(command);
                break;
            case "ping":
                Reply(command.Id);
                break;
            default:
                if (!_events.Commanded(command))
                {
                    Reply(command.Id, ErrorCode.UnknownCommand, "unknown command");
                }

                break;
        }
    }

    private void Greet(in ControlCommand hello)
    {
        if (_greetingId != 0)
        {
            Reply(hello.Id);
            return;
        }

        var arguments = hello.Arguments.Span;
        var versions = arguments.Length > 0 && arguments[0] is object?[] list ? list.OfType<long>().ToArray()
            : arguments.Length > 0 && arguments[0] is long single ? [single]
            : [];
        if (!versions.Contains(Version) && !versions.Contains(VersionByte))
        {
            Send(-hello.Id, "[Error] bad hello");
            _events.Broke(new LinkException("The relay's hello names no version that is known here: version 1 is.", code: ErrorCode.BadCommand));
            return;
        }

        PeerVersions = versions;
        PeerCommands = arguments.Length > 1 && arguments[1] is object?[] commands ? commands.OfType<string>().Select(PlainText.Of).ToArray() : [];
        Reply(hello.Id);
        _greetingId = Ping(answer =>
        {
            if (answer.Code == ErrorCode.Timeout)
            {
                _events.Broke(new LinkException("The relay greets and then answers nothing.", code: ErrorCode.Timeout));
            }
            else
            {
                GoUp(answer);
            }
        });
    }

    private void GoUp(ControlReply reply)
    {
        if (!IsUp)
        {
            IsUp = true;
            RoundTrip = reply.RoundTrip;
            _events.WentUp();
        }
    }

    private void TakeReply(ControlReply reply)
    {
        if (_requests.TryTake(reply.Id, out var roundTrip))
        {
            Finish(reply with { RoundTrip = roundTrip });
        }
    }

    private void TakeReport(ControlReply report)
    {
        // A relay that answers what it does not know without the id has read our answer all the same.
        if (report.Code == ErrorCode.UnknownCommand && _requests.TryTake(_greetingId, out _))
        {
            Finish(ControlReply.Parse(_greetingId, null));
            return;
        }

        _events.Reported(report);
    }

    private void Expect(long id, Action<ControlReply> replied, bool expires = true)
    {
        _requests.Add(id, expires);
        _ours[id] = replied;
    }

    private void Finish(ControlReply reply)
    {
        if (_ours.Remove(reply.Id, out var replied))
        {
            replied(reply);
        }
    }

    /// <summary>Answers and reports, which a peer that never reads could make us pile up.</summary>
    private void Send(params ReadOnlySpan<object?> message) => _outbox.AddAnswer(Encode(message));

    private static byte[] Encode(ReadOnlySpan<object?> message)
    {
        var json = JsonText.Serialize(message.ToArray());
        return json.Length <= MaxMessageLength
            ? FrameEncoder.Encode(FrameKind.Control, default, json)
            : throw new ArgumentException($"The control message is {json.Length} bytes long, and a peer reads {MaxMessageLength} at most.");
    }
}
