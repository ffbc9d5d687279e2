namespace MProxy.Engine.Http;

/// <summary>
/// Finds the status of the first final answer in a stream (RFC 9112, section 4), in any pieces: interim answers are skipped, 101 is final.
/// </summary>
internal sealed class AnswerStatus
{
    /// <summary>What came is no answer of HTTP/1.x.</summary>
    public const int None = 0;

    private const int DigitsStart = 9;
    private const int DigitsEnd = 12;

    private int _at;
    private int _status;
    private bool _isReturned;
    private bool _isLineEmpty;

    private static ReadOnlySpan<byte> Start => "HTTP/1."u8;

    /// <summary>Takes the next bytes. True as soon as the status is known; then there is nothing more to take.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes, out int status)
    {
        foreach (var value in bytes)
        {
            if (!Take(value))
            {
                status = None;
                return true;
            }

            if (_at > DigitsEnd && _status is < 100 or 101 or > 199)
            {
                status = _status;
                return true;
            }
        }

        status = None;
        return false;
    }

    private bool Take(byte value)
    {
        var at = _at++;
        switch (at)
        {
            case < DigitsStart - 2:
                return value == Start[at];
            case DigitsStart - 2:
                return value is (byte)'0' or (byte)'1';
            case DigitsStart - 1:
                return value == ' ';
            case < DigitsEnd:
                _status = (_status * 10) + value - '0';
                return char.IsAsciiDigit((char)value);
            case DigitsEnd when value is not ((byte)' ' or (byte)'\r'):
                return false;
            default:
                return at < HttpRequestHead.MaxLength && TakeRest(value);
        }
    }

    /// <summary>Reads an interim answer to its empty line, behind which the next one starts.</summary>
    private bool TakeRest(byte value)
    {
        if (!_isReturned)
        {
            _isReturned = value == '\r';
            _isLineEmpty &= _isReturned;
            return value != '\n';
        }

        if (_isLineEmpty)
        {
            _at = 0;
            _status = 0;
        }

        _isReturned = false;
        _isLineEmpty = !_isLineEmpty;
        return value == '\n';
    }
}
