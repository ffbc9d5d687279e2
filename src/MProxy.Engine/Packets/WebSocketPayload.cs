using System.Buffers.Binary;

namespace MProxy.Engine.Packets;

/// <summary>What one side of a WebSocket says in its messages: their headers and masks are taken away, and frames that are for the connection. Source: RFC 6455.</summary>
internal sealed class WebSocketPayload
{
    private const int MaxFrameHeader = 14;

    private readonly byte[] _header = new byte[MaxFrameHeader];
    private readonly byte[] _mask = new byte[4];
    private int _have;
    private long _left;
    private long _maskAt;
    private bool _isMasked;
    private bool _isControl;

    /// <summary>Takes bytes in any pieces.</summary>
    /// <param name="input">They are unmasked in a copy.</param>
    /// <param name="said">Told of what messages have in them.</param>
    /// <exception cref="InvalidDataException">Says why it cannot be read.</exception>
    public void Take(ReadOnlySpan<byte> input, Action<ReadOnlyMemory<byte>> said)
    {
        while (!input.IsEmpty)
        {
            if (_left > 0)
            {
                var count = (int)Math.Min(_left, input.Length);
                if (!_isControl)
                {
                    said(Unmask(input[..count]));
                }

                _maskAt += count;
                _left -= count;
                input = input[count..];
            }
            else
            {
                TakeHeader(input[0]);
                input = input[1..];
            }
        }
    }

    private void TakeHeader(byte next)
    {
        _header[_have++] = next;
        if (_have < 2)
        {
            return;
        }

        var lengthBytes = (_header[1] & 0x7f) switch
        {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        _isMasked = (_header[1] & 0x80) != 0;
        if (_have < 2 + lengthBytes + (_isMasked ? 4 : 0))
        {
            return;
        }

        if ((_header[0] & 0x70) != 0)
        {
            throw new InvalidDataException((_header[0] & 0x40) != 0 ? "its messages are compressed" : "what comes behind its upgrade is no WebSocket");
        }

        var rest = _header.AsSpan(2);
        _left = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            8 => BinaryPrimitives.ReadInt64BigEndian(rest),
            _ => _header[1] & 0x7f,
        };
        if (_left < 0)
        {
            throw new InvalidDataException("it has a frame of more than 9 EB");
        }

        rest.Slice(lengthBytes, 4).CopyTo(_mask);
        (_isControl, _maskAt, _have) = ((_header[0] & 8) != 0, 0, 0);
    }

    private byte[] Unmask(ReadOnlySpan<byte> input)
    {
        var bytes = input.ToArray();
        for (var i = 0; _isMasked && i < bytes.Length; i++)
        {
            bytes[i] ^= _mask[(_maskAt + i) & 3];
        }

        return bytes;
    }
}
