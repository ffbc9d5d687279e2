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

        if (_bodyRemaining > 0)
        {
            slice = default;
            slice.Body = TakeBody(ref input);
            slice.IsEnd = _bodyRemaining == 0;
            return true;
        }

        if (input.Length < _wanted - _carried)
        {
            Carry(ref input, input.Length);
            slice = default;
            return false;
        }

        return TryReadHeader(ref input, out slice);
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
            // Where the next frame starts follows from this one's header, so nothing here may wait for memory: hence one local
            // span, which is written back at the end.
            var rest = input;
            var header = WholeHeader(rest);
            if (!header.IsEmpty)
            {
                var taken = WireFormat.PreambleLength + header.Length;
                rest = rest[taken..];
                Offset += taken;
            }
            else if (TryGatherHeader(ref input, out header))
            {
                rest = input;
            }
            else
            {
                return false;
            }

            TextHeader.Parse(header, FrameOffset + WireFormat.PreambleLength, _lenient, _maxBodyLength, ref slice.Target);
            var length = slice.Header.BodyLength;
            var here = (int)Math.Min(length, rest.Length);
            slice.IsStart = true;
            slice.IsEnd = here == length;
            slice.Body = rest[..here];
            input = rest[here..];
            Offset += here;
            _bodyRemaining = length - here;
            return true;
        }
        catch (ProtocolException failure)
        {
            _failure = failure;
            throw;
        }
    }

    /// <summary>The header in place, where the input holds all of it.</summary>
    private ReadOnlySpan<byte> WholeHeader(ReadOnlySpan<byte> input)
    {
        if (_carried > 0)
        {
            return default;
        }

        FrameOffset = Offset;
        if (input.Length < WireFormat.PreambleLength)
        {
            return default;
        }

        CheckVersion(input[0]);
        var length = CheckHeaderLength(input[1]);
        return input.Length >= WireFormat.PreambleLength + length ? input.Slice(WireFormat.PreambleLength, length) : default;
    }

    /// <summary>Gathers a header that comes in pieces in the carry buffer.</summary>
    private bool TryGatherHeader(scoped ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> header)
    {
        header = default;
        while (!input.IsEmpty)
        {
            Carry(ref input, Math.Min(_wanted - _carried, input.Length));

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

    /// <summary>Keeps a part of a header until the rest of it comes.</summary>
    private void Carry(scoped ref ReadOnlySpan<byte> input, int length)
    {
        input[..length].CopyTo(_carry.AsSpan(_carried));
        input = input[length..];
        _carried += length;
        Offset += length;
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
