using System.Runtime.InteropServices;
using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Packets;

/// <summary>One direction of a connection that may be a link: what its first bytes say decides.</summary>
internal sealed class LinkWay(PacketLinkOptions options)
{
    private const int MaxHead = 64 << 10;
    private const byte TlsHandshake = 0x16;

    private readonly TcpWay _way = new();
    private readonly FrameReader _reader = new(options.IsLenient, options.MaxFrameLength, options.HeaderOnly);
    private List<byte>? _head = [];
    private WebSocketPayload? _messages;
    private bool _isLink;
    private bool _isOver;

    /// <summary>What it is instead of a link; null where it is one, or nothing was said.</summary>
    public string? Other { get; private set; }

    /// <summary>Whether this begins a new connection of the same ends.</summary>
    public bool IsAnother(in TcpSegment segment) => _way.IsAnother(segment);

    /// <summary>Takes a segment.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="frames">Frames that are complete are added.</param>
    /// <returns>Why nothing more comes of it, once.</returns>
    public string? Take(in TcpSegment segment, List<Frame> frames)
    {
        if (_isOver)
        {
            return null;
        }

        try
        {
            _way.Take(segment, bytes => Take(bytes.Span, frames));
        }
        catch (Exception error) when (error is ProtocolException or InvalidDataException)
        {
            _isOver = true;
            return error.Message;
        }

        return _way.IsBroken ? Broken() : null;
    }

    /// <summary>No more comes.</summary>
    /// <returns>What is missing; null where it ends with a whole frame.</returns>
    public string? Finish()
    {
        if (_isOver || !_isLink)
        {
            return null;
        }

        if (_way.IsWaiting)
        {
            return Broken();
        }

        try
        {
            _reader.Complete();
            return null;
        }
        catch (IncompleteFrameException error)
        {
            return error.Message;
        }
    }

    private string? Broken()
    {
        _isOver = true;
        return _isLink ? $"Bytes are missing behind the first {_way.Offset}: the capture has lost packets, or kept only a part of them (tcpdump -s 0 keeps all)." : null;
    }

    private void Take(ReadOnlySpan<byte> bytes, List<Frame> frames)
    {
        if (_head is not null)
        {
            bytes = Sniff(bytes);
        }

        if (_messages is not null)
        {
            _messages.Take(bytes, payload => Read(payload.Span, frames));
        }
        else if (_isLink)
        {
            Read(bytes, frames);
        }
    }

    /// <summary>What is left for the link; empty as long as nobody knows.</summary>
    private ReadOnlySpan<byte> Sniff(ReadOnlySpan<byte> bytes)
    {
        if (_head!.Count == 0)
        {
            if (bytes[0] == WireFormat.Version1 || options.Ports.Count > 0 && !IsHttp(bytes[0]) && bytes[0] != TlsHandshake)
            {
                (_isLink, _head) = (true, null);
                return bytes;
            }

            if (!IsHttp(bytes[0]))
            {
                return Ignore(!_way.HasStart ? "of which the start is missing" : bytes[0] == TlsHandshake ? "that are TLS" : "that begin unlike a link");
            }
        }

        _head.AddRange(bytes);
        var head = CollectionsMarshal.AsSpan(_head);
        var end = head.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return head.Length > MaxHead ? Ignore("that are HTTP without an end of its head") : default;
        }

        // As a request has it, or the answer to it.
        if (!Encoding.Latin1.GetString(head[..end]).Contains("upgrade: websocket", StringComparison.OrdinalIgnoreCase))
        {
            return Ignore("that are HTTP, and no WebSocket");
        }

        ReadOnlySpan<byte> rest = head[(end + 4)..];
        (_messages, _isLink, _head) = (new WebSocketPayload(), true, null);
        return rest;
    }

    private static bool IsHttp(byte first) => first is (byte)'G' or (byte)'H';

    private ReadOnlySpan<byte> Ignore(string other)
    {
        (Other, _isOver, _head) = (other, true, null);
        return default;
    }

    private void Read(ReadOnlySpan<byte> bytes, List<Frame> frames)
    {
        while (_reader.TryRead(ref bytes, out var frame))
        {
            frames.Add(frame);
        }
    }
}
