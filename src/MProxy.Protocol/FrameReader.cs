using System.Diagnostics.CodeAnalysis;

namespace MProxy.Protocol;

/// <summary>
/// The whole-frame level of the codec: collects the slices of <see cref="FrameScanner"/> into <see cref="Frame"/> objects.
/// Memory grows with the bytes that came, never with the length that was declared.
/// </summary>
public sealed class FrameReader
{
    private const int FirstBufferLength = 16 * 1024;

    private readonly FrameScanner _scanner;
    private readonly bool _headerOnly;
    private Frame? _current;
    private FrameMeta _meta;
    private byte[] _body = [];
    private int _bodyLength;

    /// <summary>A reader at offset 0.</summary>
    /// <param name="lenient">Read what the reference reads; see <see cref="FrameScanner"/>.</param>
    /// <param name="maxFrameLength">Largest body, in bytes; a frame that declares more is a <see cref="ProtocolException"/>.</param>
    /// <param name="headerOnly">Skip the bodies: frames come out with empty data.</param>
    public FrameReader(bool lenient = false, int maxFrameLength = WireFormat.DefaultMaxFrameLength, bool headerOnly = false)
    {
        _scanner = new FrameScanner(lenient, maxFrameLength);
        _headerOnly = headerOnly;
    }

    /// <summary>Bytes read so far.</summary>
    public long Offset => _scanner.Offset;

    /// <summary>Takes the next whole frame from <paramref name="input"/>, moving past what was read. False when more is needed.</summary>
    /// <exception cref="ProtocolException">The input is not M-PROXY, or a body is beyond the limit.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, [NotNullWhen(true)] out Frame? frame)
    {
        while (_scanner.TryRead(ref input, out var slice))
        {
            if (slice.IsStart)
            {
                _meta = slice.Header.ToMeta(_meta);
                _current = new Frame(slice.Header, _meta, _scanner.FrameOffset);
                _bodyLength = 0;
            }

            if (slice.IsEnd)
            {
                frame = _current!;
                frame.SetData(TakeBody(slice.Body));
                _current = null;
                return true;
            }

            Keep(slice.Body, _current!.Length);
        }

        frame = null;
        return false;
    }

    /// <summary>Says that no more input comes.</summary>
    /// <exception cref="IncompleteFrameException">The input stopped inside a frame.</exception>
    public void Complete() => _scanner.Complete();

    private byte[] TakeBody(ReadOnlySpan<byte> last)
    {
        if (_headerOnly || (last.IsEmpty && _bodyLength == 0))
        {
            return [];
        }

        if (_bodyLength == 0)
        {
            return last.ToArray();
        }

        var data = new byte[_bodyLength + last.Length];
        _body.AsSpan(0, _bodyLength).CopyTo(data);
        last.CopyTo(data.AsSpan(_bodyLength));
        return data;
    }

    private void Keep(ReadOnlySpan<byte> slice, long declared)
    {
        if (_headerOnly || slice.IsEmpty)
        {
            return;
        }

        var needed = _bodyLength + slice.Length;
        if (_body.Length < needed)
        {
            var doubled = Math.Max(Math.Max(needed, FirstBufferLength), (int)Math.Min(2L * _body.Length, declared));
            Array.Resize(ref _body, doubled);
        }

        slice.CopyTo(_body.AsSpan(_bodyLength));
        _bodyLength = needed;
    }
}
