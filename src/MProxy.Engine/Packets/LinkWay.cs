using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using MProxy.Protocol;

namespace MProxy.Engine.Packets;

/// <summary>One direction of a connection that may be a link: what its first bytes say decides.</summary>
internal sealed partial class LinkWay(PacketLinkOptions options)
{
    private const int MaxHead = 64 << 10;
    private const byte TlsHandshake = 0x16;

    private readonly TcpWay _way = new();
    // What is no link needs none, and most of a capture may be none.
    private FrameReader? _reader;
    private List<byte>? _head;
    private WebSocketPayload? _messages;
    private bool _isKnown;
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
            Close();
            return error.Message;
        }

        return _way.IsBroken ? Broken() : null;
    }

    /// <summary>No more comes.</summary>
    /// <returns>What is missing; null where it ends with a whole frame.</returns>
    public string? Finish()
    {
        if (_isOver)
        {
            return null;
        }

        if (_way.IsWaiting)
        {
            return Broken();
        }

        try
        {
            _reader?.Complete();
            return null;
        }
        catch (IncompleteFrameException error)
        {
            return error.Message;
        }
    }

    private string? Broken()
    {
        Close();
        Other ??= _isLink ? null : "of which bytes are missing";
        return _isLink ? $"Bytes are missing behind the first {_way.Offset}: the capture has lost packets, or kept only a part of them (tcpdump -s 0 keeps all)." : null;
    }

    private void Take(ReadOnlySpan<byte> bytes, List<Frame> frames)
    {
        if (!_isKnown)
        {
            bytes = Sniff(bytes);
        }

        if (_messages is not null)
        {
            _messages.Take(bytes, payload => TakePayload(payload.Span, frames));
        }
        else if (_isLink)
        {
            Read(bytes, frames);
        }
    }

    /// <summary>A WebSocket may be there for something else.</summary>
    private void TakePayload(ReadOnlySpan<byte> bytes, List<Frame> frames)
    {
        if (!_isLink && !_isOver && !bytes.IsEmpty)
        {
            _isLink = bytes[0] == WireFormat.Version1 || options.Ports.Count > 0;
            if (!_isLink)
            {
                Ignore("that are a WebSocket of something else");
            }
        }

        if (_isLink)
        {
            Read(bytes, frames);
        }
    }

    /// <summary>What is left for the link; empty as long as nobody knows.</summary>
    private ReadOnlySpan<byte> Sniff(ReadOnlySpan<byte> bytes)
    {
        if (_head is null)
        {
            if (bytes[0] == WireFormat.Version1 || options.Ports.Count > 0 && !IsHttp(bytes[0]) && bytes[0] != TlsHandshake)
            {
                (_isLink, _isKnown) = (true, true);
                return bytes;
            }

            if (!IsHttp(bytes[0]))
            {
                return Ignore(!_way.HasStart ? "of which the start is missing" : bytes[0] == TlsHandshake ? "that are TLS" : "that begin unlike a link");
            }
        }

        _head ??= [];
        _head.AddRange(bytes);
        var head = CollectionsMarshal.AsSpan(_head);
        var end = head.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return head.Length > MaxHead ? Ignore("that are HTTP without an end of its head") : default;
        }

        // As a request has it, or the answer to it.
        if (!Upgrade().IsMatch(Encoding.Latin1.GetString(head[..(end + 2)])))
        {
            return Ignore("that are HTTP, and no WebSocket");
        }

        ReadOnlySpan<byte> rest = head[(end + 4)..];
        (_messages, _isKnown, _head) = (new WebSocketPayload(), true, null);
        return rest;
    }

    [GeneratedRegex("^upgrade:[ \\t]*websocket[ \\t]*\\r?$", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex Upgrade();

    private static bool IsHttp(byte first) => first is (byte)'G' or (byte)'H';

    private ReadOnlySpan<byte> Ignore(string other)
    {
        Other = other;
        Close();
        return default;
    }

    /// <summary>Nothing more is read of it, nor kept for that.</summary>
    private void Close() => (_isOver, _isKnown, _head, _reader, _messages) = (true, true, null, null, null);

    private void Read(ReadOnlySpan<byte> bytes, List<Frame> frames)
    {
        _reader ??= new(options.IsLenient, options.MaxFrameLength, options.HeaderOnly);
        while (_reader.TryRead(ref bytes, out var frame))
        {
            frames.Add(frame);
        }
    }
}
