using System.Buffers;
using System.Collections.Specialized;
using MProxy.Protocol;

namespace MProxy.Engine.Link;

/// <summary>The back channel: greets, answers, and never takes a link down over a message it does not know. Source: protocol.md, section 2.</summary>
internal sealed class ControlChannel(LinkRole role, Outbox outbox)
{
    private const int MaxMessageLength = 64 << 10;

    private const long HelloId = 1;
    private const long FirstPingId = 1;

    private readonly ArrayBufferWriter<byte> _message = new();
    private bool _tooLong;
    private bool _hasGreeted;

    /// <summary>
    /// Both sides have greeted: the relay's hello was answered, and the answer was seen. A device knows the latter by a ping behind
    /// it, since any reply to that (old relays do not know the command) comes after the relay has read the answer.
    /// </summary>
    public bool IsUp { get; private set; }

    /// <summary>Relay to device, on accept.</summary>
    public void SendHello() => Send(HelloId, "hello", new object[] { 1L }, new object[] { "ping" });

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
            Answer(_message.WrittenSpan);
        }
    }

    private void Answer(ReadOnlySpan<byte> json)
    {
        if (!_tooLong && (json.IsEmpty || json.SequenceEqual(" "u8)))
        {
            return;
        }

        if (_tooLong || !JsonText.TryParse(json, out var value) || value is not object?[] { Length: >= 2 } message || message[0] is not long id)
        {
            SendError(0, _tooLong ? "the control message is too long" : "a control message is a JSON array [id, …]", ErrorCode.BadCommand);
            return;
        }

        // Replies and out-of-band errors are not answered: two peers would never stop.
        if (id <= 0)
        {
            IsUp |= role == LinkRole.Device ? _hasGreeted && id == -FirstPingId : id == -HelloId && message[1] is null;
            return;
        }

        switch (message[1])
        {
            case "hello" when role == LinkRole.Device:
                _hasGreeted = true;
                Send(-id, null);
                Send(FirstPingId, "ping");
                break;
            case "ping":
                Send(-id, null);
                break;
            case "grant" or "access_token" when role == LinkRole.Device:
                break;
            case string:
                SendError(-id, "unknown command", ErrorCode.UnknownCommand);
                break;
            default:
                SendError(0, "a control message names its command as text", ErrorCode.BadCommand);
                break;
        }
    }

    private void SendError(long id, string message, string code) =>
        Send(id, new OrderedDictionary { ["message"] = message, ["code"] = code });

    private void Send(params object?[] message) =>
        outbox.Add(FrameEncoder.Encode(FrameKind.Control, default, JsonText.Serialize(message)));
}
