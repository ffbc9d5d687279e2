using System.Text;

namespace MProxy.Engine.Http;

/// <summary>
/// Finds the end of a chunked body (RFC 9112, section 7.1), in any pieces, and keeps none of its bytes. Strict: a size that another reader
/// might cut, or a line end that another might overlook, would hide a request in a body.
/// </summary>
internal sealed class ChunkedBody
{
    private const int MaxSizeDigits = 16;

    /// <summary>Of one chunk; signatures of uploads, the longest in use, take about 85 bytes.</summary>
    private const int MaxExtensionLength = 1024;

    private const int MaxTrailerLength = HttpRequestHead.MaxLength;

    /// <summary>The start of a trailer's name, as long as the longest one that is forbidden.</summary>
    private readonly byte[] _name = new byte["Transfer-Encoding".Length];
    private Part _part;
    private long _size;
    private int _count;
    private int _nameLength;

    /// <summary>What comes next.</summary>
    private enum Part
    {
        Size,
        Extension,
        SizeLineFeed,
        Data,
        DataReturn,
        DataLineFeed,
        TrailerStart,
        TrailerName,
        TrailerValue,
        TrailerLineFeed,
        LastLineFeed,
        Done,
        Broken,
    }

    /// <summary>The body has ended.</summary>
    public bool IsDone => _part == Part.Done;

    /// <summary>This is no chunked body, from the byte behind what was last taken.</summary>
    public bool IsBroken => _part == Part.Broken;

    /// <summary>Starts with another body.</summary>
    public void Reset()
    {
        _part = Part.Size;
        _size = 0;
        _count = 0;
    }

    /// <summary>Takes the next bytes and says how many of them belong to the body: all, where it neither ends nor breaks among them.</summary>
    public int Take(ReadOnlySpan<byte> data)
    {
        var at = 0;
        while (at < data.Length && _part is not (Part.Done or Part.Broken))
        {
            if (_part == Part.Data)
            {
                var count = (int)Math.Min(_size, data.Length - at);
                _size -= count;
                at += count;
                _part = _size > 0 ? Part.Data : Part.DataReturn;
                continue;
            }

            _part = Next(data[at]);
            at += IsBroken ? 0 : 1;
        }

        return at;
    }

    private Part Next(byte value) => _part switch
    {
        Part.Size => TakeSize(value),
        Part.Extension => value == '\r' ? Part.SizeLineFeed : HttpBytes.IsText(value) && ++_count <= MaxExtensionLength ? Part.Extension : Part.Broken,
        Part.SizeLineFeed => value != '\n' ? Part.Broken : _size > 0 ? Part.Data : StartTrailers(),
        Part.DataReturn => value == '\r' ? Part.DataLineFeed : Part.Broken,
        Part.DataLineFeed => value == '\n' ? StartSize() : Part.Broken,
        _ => ++_count > MaxTrailerLength ? Part.Broken : TakeTrailer(value),
    };

    private Part StartSize()
    {
        Reset();
        return _part;
    }

    private Part TakeSize(byte value)
    {
        if (char.IsAsciiHexDigit((char)value))
        {
            // Another digit must neither overflow nor be one of endless zeros.
            if (++_count > MaxSizeDigits || _size > long.MaxValue >> 4)
            {
                return Part.Broken;
            }

            _size = (_size << 4) | (uint)(value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10);
            return Part.Size;
        }

        var isEnd = _count > 0 && value is (byte)';' or (byte)'\r';
        _count = 0;
        return !isEnd ? Part.Broken : value == ';' ? Part.Extension : Part.SizeLineFeed;
    }

    private Part StartTrailers()
    {
        _count = 0;
        return Part.TrailerStart;
    }

    private Part TakeTrailer(byte value)
    {
        switch (_part)
        {
            case Part.TrailerStart when value == '\r':
                return Part.LastLineFeed;
            case Part.TrailerStart:
                _nameLength = 0;
                return TakeName(value);
            case Part.TrailerName when value == ':':
                return IsForbidden() ? Part.Broken : Part.TrailerValue;
            case Part.TrailerName:
                return TakeName(value);
            case Part.TrailerValue:
                return value == '\r' ? Part.TrailerLineFeed : HttpBytes.IsText(value) ? Part.TrailerValue : Part.Broken;
            case Part.TrailerLineFeed:
                return value == '\n' ? Part.TrailerStart : Part.Broken;
            default:
                return value == '\n' ? Part.Done : Part.Broken;
        }
    }

    private Part TakeName(byte value)
    {
        if (!HttpBytes.IsToken(value))
        {
            return Part.Broken;
        }

        if (_nameLength < _name.Length)
        {
            // As in a head: some servers take the one for the other.
            _name[_nameLength] = value == '_' ? (byte)'-' : value;
        }

        _nameLength++;
        return Part.TrailerName;
    }

    /// <summary>What says whom a request is for and where it ends has no place behind it (RFC 9110, section 6.5.1); some servers would believe it.</summary>
    private bool IsForbidden()
    {
        var name = _nameLength <= _name.Length ? _name.AsSpan(0, _nameLength) : default;
        return Ascii.EqualsIgnoreCase(name, "Host"u8) || Ascii.EqualsIgnoreCase(name, "Content-Length"u8) || Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8);
    }
}
