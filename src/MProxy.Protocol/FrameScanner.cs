using System.Diagnostics.CodeAnalysis;

namespace MProxy.Protocol;

/// <summary>
/// The slice level of the codec: bytes in, in any pieces, headers and body slices out. Bodies are slices of the input, so
/// nothing is copied or allocated per frame, and a declared length never causes an allocation.
/// One stream each; not thread-safe. Source: protocol.md, section 1, "Unpacking".
/// </summary>
public sealed class FrameScanner
{
    private readonly bool _lenient;
    private readonly long _maxBodyLength;
    private readonly byte[] _carry = new byte[WireFormat.MaxHeaderRoom];
    private int _carried;
    private int _wanted = 1;
    private long _bodyRemaining;
    private ProtocolException? _failure;

    /// <summary>A scanner at offset 0.</summary>
    /// <param name="lenient">Read what the reference reads; see protocol.md for what stays an error.</param>
    /// <param name="maxBodyLength">Largest body, in bytes, that a header may declare.</param>
    public FrameScanner(bool lenient = false, long maxBodyLength = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBodyLength);
        _lenient = lenient;
        _maxBodyLength = maxBodyLength;
    }

    /// <summary>Bytes read so far.</summary>
    public long Offset { get; private set; }

    /// <summary>Where the frame at hand started, in bytes from the start of the stream.</summary>
    public long FrameOffset { get; private set; }

    /// <summary>
    /// Takes the next piece from the front of <paramref name="input"/>. False when all of it is read and more is needed.
    /// The scanner's state is past the piece before it is returned, so a caller that throws never puts it out of step.
    /// </summary>
    /// <exception cref="ProtocolException">The input is not M-PROXY. Every later call throws the same.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, out FrameSlice slice)
    {
        if (input.IsEmpty)
        {
            ThrowIfFailed();
            slice = default;
            return false;
        }

        if (_bodyRemaining == 0)
        {
            return TryReadHeader(ref input, out slice);
        }

        slice = default;
        slice.Body = TakeBody(ref input);
        slice.IsEnd = _bodyRemaining == 0;
        return true;
    }

    /// <summary>Says that no more input comes.</summary>
    /// <exception cref="IncompleteFrameException">The input stopped inside a frame.</exception>
    public void Complete()
    {
        if (_bodyRemaining > 0)
        {
            throw new IncompleteFrameException(FrameOffset, _bodyRemaining, headerIncomplete: false);
        }

        if (_carried > 0)
        {
            var needed = _carried < WireFormat.PreambleLength ? WireFormat.PreambleLength : WireFormat.PreambleLength + _carry[1];
            throw new IncompleteFrameException(FrameOffset, needed - _carried, headerIncomplete: true);
        }
    }

    private ReadOnlySpan<byte> TakeBody(ref ReadOnlySpan<byte> input)
    {
        var length = (int)Math.Min(_bodyRemaining, input.Length);
        var body = input[..length];
        input = input[length..];
        Offset += length;
        _bodyRemaining -= length;
        return body;
    }

    private bool TryReadHeader(ref ReadOnlySpan<byte> input, out FrameSlice slice)
    {
        ThrowIfFailed();
        slice = default;
        try
        {
            if (!TryTakePreambleAndHeader(ref input, out var header))
            {
                return false;
            }

            TextHeader.Parse(header, FrameOffset + WireFormat.PreambleLength, _lenient, _maxBodyLength, out slice.Target);
        }
        catch (ProtocolException failure)
        {
            _failure = failure;
            throw;
        }

        slice.IsStart = true;
        _bodyRemaining = slice.Header.BodyLength;
        slice.Body = TakeBody(ref input);
        slice.IsEnd = _bodyRemaining == 0;
        return true;
    }

    /// <summary>The header bytes: in place where the input holds them whole, else gathered in the carry buffer.</summary>
    private bool TryTakePreambleAndHeader(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> header)
    {
        header = default;
        if (_carried == 0)
        {
            FrameOffset = Offset;
            if (input.Length >= WireFormat.PreambleLength)
            {
                CheckVersion(input[0]);
                var whole = WireFormat.PreambleLength + CheckHeaderLength(input[1]);
                if (input.Length >= whole)
                {
                    header = input[WireFormat.PreambleLength..whole];
                    input = input[whole..];
                    Offset += whole;
                    return true;
                }
            }
        }

        while (!input.IsEmpty)
        {
            var taken = Math.Min(_wanted - _carried, input.Length);
            input[..taken].CopyTo(_carry.AsSpan(_carried));
            input = input[taken..];
            _carried += taken;
            Offset += taken;

            // Each of the two is checked on the byte that brings it: bad input is told at once, not a header later.
            if (_carried < _wanted)
            {
                return false;
            }

            if (_carried == 1)
            {
                CheckVersion(_carry[0]);
                _wanted = WireFormat.PreambleLength;
            }
            else if (_carried == WireFormat.PreambleLength)
            {
                _wanted = WireFormat.PreambleLength + CheckHeaderLength(_carry[1]);
            }
            else
            {
                header = _carry.AsSpan(WireFormat.PreambleLength, _carry[1]);
                (_carried, _wanted) = (0, 1);
                return true;
            }
        }

        return false;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw _failure;
        }
    }

    private void CheckVersion(byte version)
    {
        if (version != WireFormat.Version1 && !_lenient)
        {
            ThrowVersion(version);
        }
    }

    private int CheckHeaderLength(byte length)
    {
        if (length == 0)
        {
            throw new ProtocolException("The header length is 0.", FrameOffset + 1);
        }

        return length;
    }

    [DoesNotReturn]
    private void ThrowVersion(byte version) => throw new ProtocolException(
        $"Not an M-PROXY frame: its first byte is {version}, and version 1 starts with {WireFormat.Version1}.", FrameOffset);
}
