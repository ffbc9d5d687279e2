using MProxy.Engine.Http;

namespace MProxy.Engine.Health;

/// <summary>Reads the head of the answer to a probe (RFC 9112, section 4), in any pieces, and no more of it than 16 KiB. Pure.</summary>
internal sealed class ProbeAnswer
{
    private readonly AnswerStatus _reader = new();
    private int _length;
    private int _status;
    private int _endLength;

    private static ReadOnlySpan<byte> End => "\r\n\r\n"u8;

    /// <summary>Takes the next bytes.</summary>
    /// <returns>The status when the head is whole, <see cref="AnswerStatus.None"/> where it is none of HTTP/1.x or too long, null as long as more has to come.</returns>
    public int? Take(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (++_length > HttpRequestHead.MaxLength)
            {
                return AnswerStatus.None;
            }

            if (_status == AnswerStatus.None)
            {
                if (!_reader.TryRead([value], out _status))
                {
                    continue;
                }

                if (_status == AnswerStatus.None)
                {
                    return AnswerStatus.None;
                }
            }

            _endLength = value == End[_endLength] ? _endLength + 1 : value == End[0] ? 1 : 0;
            if (_endLength == End.Length)
            {
                return _status;
            }
        }

        return null;
    }
}
