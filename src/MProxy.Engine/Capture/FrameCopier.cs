using System.IO.Enumeration;
using System.Text;
using MProxy.Protocol;

namespace MProxy.Engine.Capture;

/// <summary>Copies the whole frames of one direction out of the bytes that pass. Memory grows with the bytes that came, up to what is kept of a frame.</summary>
internal sealed class FrameCopier(CaptureSource source, CaptureOptions options, DroppingQueue<CapturedFrame> queue)
{
    // What a peer reads of a control message: a longer one means nothing.
    private const int MaxControlLength = 64 << 10;

    private readonly FrameScanner _scanner = new();
    private byte[] _bytes = [];
    private int _length;
    private int _headerLength;
    private int _identityLength;
    private int _wanted;
    private FrameKind _kind;
    private long _bodyLength;
    private bool _isOver;

    /// <summary>Takes bytes in any pieces. Never throws: that a peer does not speak M-PROXY is for the link to find.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_isOver || queue.IsClosed)
        {
            return;
        }

        try
        {
            while (_scanner.TryRead(ref bytes, out var slice))
            {
                Take(slice);
            }
        }
        catch (ProtocolException error)
        {
            _isOver = true;
            queue.TryAdd(new CapturedFrame { Source = source, Unreadable = error.Message });
        }
    }

    private void Take(in FrameSlice slice)
    {
        if (slice.IsStart)
        {
            _wanted = 0;
            if (IsWanted(slice.Header))
            {
                Start(slice.Header, slice.Body.Length);
            }
        }

        if (_wanted == 0)
        {
            return;
        }

        Keep(slice.Body[..Math.Min(slice.Body.Length, _wanted - _length)]);
        if (slice.IsEnd)
        {
            queue.TryAdd(new CapturedFrame
            {
                Source = source,
                Kind = _kind,
                Length = _bodyLength,
                Bytes = _bytes.AsMemory(0, _length),
                HeaderLength = _headerLength,
                IdentityLength = _identityLength,
            });
            _bytes = [];
        }
    }

    private bool IsWanted(in FrameHeader header)
    {
        if (options.SocketId is not { } pattern)
        {
            return true;
        }

        Span<char> socketId = stackalloc char[WireFormat.MaxHeaderLength];
        return header.Kind != FrameKind.Control
            && FileSystemName.MatchesSimpleExpression(pattern, socketId[..Encoding.UTF8.GetChars(header.Identity, socketId)]);
    }

    private void Start(in FrameHeader header, int here)
    {
        _kind = header.Kind;
        _bodyLength = header.BodyLength;
        _identityLength = header.Identity.Length;
        var most = options.HeadersOnly ? 0 : _kind == FrameKind.Control ? MaxControlLength : options.MaxBodyLength;
        var kept = (int)Math.Min(_bodyLength, most);
        _bytes = new byte[WireFormat.MaxHeaderRoom + Math.Min(here, kept)];
        _length = _headerLength = HeaderTemplate.Rewrite(header, kept, _bytes);
        _wanted = _headerLength + kept;
    }

    private void Keep(ReadOnlySpan<byte> body)
    {
        if (_length + body.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Min(_wanted, Math.Max(_length + body.Length, 2 * _bytes.Length)));
        }

        body.CopyTo(_bytes.AsSpan(_length));
        _length += body.Length;
    }
}
