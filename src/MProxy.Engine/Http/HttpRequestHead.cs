using System.Buffers;
using System.Net;
using System.Text;

namespace MProxy.Engine.Http;

/// <summary>
/// The head of an HTTP/1.x request, read strictly (RFC 9112): what two readers could take in two ways is refused. Pure: bytes in, result out.
/// </summary>
internal sealed class HttpRequestHead
{
    /// <summary>The most bytes of a head, its empty line included.</summary>
    public const int MaxLength = 16 << 10;

    private const string HostHeader = "Host";

    private static readonly SearchValues<byte> LineEndBytes = SearchValues.Create("\r\n"u8);

    // A list, since a table that joins what has one name could be made to copy the same text thousands of times.
    private readonly List<(string Name, string Value)> _headers = [];
    private HttpTarget? _target;
    private HttpFraming _framing;

    private HttpRequestHead()
    {
    }

    /// <summary>1.0 or 1.1.</summary>
    public Version Version { get; private set; } = HttpVersion.Unknown;

    /// <summary>The version is 1.0.</summary>
    public bool IsVersion10 => Version == HttpVersion.Version10;

    /// <summary>In the case it came.</summary>
    public string Method { get; private set; } = "";

    /// <summary>As it came, visible ASCII.</summary>
    public string Target => _target!.Text;

    /// <summary>How the target is written.</summary>
    public HttpTargetForm Form => _target!.Form;

    /// <summary>Path and query, not decoded: they start with a slash, or are empty where the target is <c>*</c> or a host and port.</summary>
    public string PathAndQuery => _target!.PathAndQuery;

    /// <summary>The path up to its query, not decoded.</summary>
    public string Path => PathAndQuery.Split('?', 2)[0];

    /// <summary>Host and perhaps port as they came: the target's, else those of the Host header. Null where an HTTP/1.0 request names none.</summary>
    public string? Authority { get; private set; }

    /// <summary>How many bytes the head takes, its empty line included.</summary>
    public int Length { get; private set; }

    /// <summary>How many bytes of body follow the head, where it is not chunked.</summary>
    public long BodyLength => _framing.Length;

    /// <summary>A chunked body follows the head.</summary>
    public bool IsChunked => _framing.IsChunked;

    /// <summary>Reads the head at the start of these bytes, which may go on behind it. A head is given exactly when the status is Complete.</summary>
    public static (HttpHeadStatus Status, HttpRequestHead? Head) Read(ReadOnlySpan<byte> data)
    {
        var head = new HttpRequestHead();
        var bounded = data[..Math.Min(data.Length, MaxLength)];
        for (var isFirst = true; ; isFirst = false)
        {
            var rest = bounded[head.Length..];
            var end = rest.IndexOfAny(LineEndBytes);
            if (end < 0 || (rest[end] == '\r' && end + 1 == rest.Length))
            {
                return (bounded.Length == MaxLength ? HttpHeadStatus.Malformed : HttpHeadStatus.Incomplete, null);
            }

            if (rest[end] != '\r' || rest[end + 1] != '\n')
            {
                return (HttpHeadStatus.Malformed, null);
            }

            var line = rest[..end];
            head.Length += end + 2;
            if (line.IsEmpty && !isFirst)
            {
                return head.TryFinish() ? (HttpHeadStatus.Complete, head) : (HttpHeadStatus.Malformed, null);
            }

            if (!(isFirst ? head.TryReadRequestLine(line) : head.TryReadHeader(line)))
            {
                return (HttpHeadStatus.Malformed, null);
            }
        }
    }

    /// <summary>
    /// Whether <see cref="Read"/> is worth calling, which then never says Incomplete: the head's end, a line end that is none, or too much is there.
    /// Looks at new bytes only, so that a head that comes in drops is not read over and over.
    /// </summary>
    /// <param name="data">All bytes so far.</param>
    /// <param name="seen">How many of them were there when this was last asked.</param>
    public static bool IsDecided(ReadOnlySpan<byte> data, int seen)
    {
        for (var at = seen; at < data.Length; at++)
        {
            var next = data[at..].IndexOf((byte)'\n');
            if (next < 0)
            {
                break;
            }

            at += next;
            if (at == 0 || data[at - 1] != '\r' || (at >= 3 && data[at - 2] == '\n' && data[at - 3] == '\r'))
            {
                return true;
            }
        }

        return data.Length >= MaxLength;
    }

    /// <summary>A header's value, without the space around it; of several, one list. Null where there is none.</summary>
    public string? Header(string name) => Count(name) == 0 ? null : string.Join(", ", Values(name));

    /// <summary>How many headers have this name.</summary>
    public int Count(string name) => Values(name).Count();

    /// <summary>A header, read as a list of words, has this one in any case.</summary>
    public bool HasWord(string name, string word) =>
        Header(name) is { } list && list.Split(',').Any(item => item.Trim(' ', '\t').Equals(word, StringComparison.OrdinalIgnoreCase));

    private static bool IsHost(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-._~:[]%!$&'()*+;=".Contains(c, StringComparison.Ordinal));

    private IEnumerable<string> Values(string name) =>
        from header in _headers where header.Name.Equals(name, StringComparison.OrdinalIgnoreCase) select header.Value;

    private bool TryReadRequestLine(ReadOnlySpan<byte> line)
    {
        var methodEnd = line.IndexOf((byte)' ');
        var targetEnd = line.LastIndexOf((byte)' ');
        if (methodEnd < 0 || targetEnd <= methodEnd || !HttpBytes.IsToken(line[..methodEnd]))
        {
            return false;
        }

        var version = line[(targetEnd + 1)..];
        Version = version.SequenceEqual("HTTP/1.1"u8) ? HttpVersion.Version11 : version.SequenceEqual("HTTP/1.0"u8) ? HttpVersion.Version10 : HttpVersion.Unknown;
        Method = Encoding.ASCII.GetString(line[..methodEnd]);
        _target = HttpTarget.TryRead(Method, line[(methodEnd + 1)..targetEnd]);
        return Version != HttpVersion.Unknown && _target is not null;
    }

    private bool TryReadHeader(ReadOnlySpan<byte> line)
    {
        // A line that starts with a space would continue the one before (obs-fold): its name is no token.
        var colon = line.IndexOf((byte)':');
        if (colon < 0 || !HttpBytes.IsToken(line[..colon]))
        {
            return false;
        }

        var value = line[(colon + 1)..].Trim(" \t"u8);
        _headers.Add((Encoding.ASCII.GetString(line[..colon]), Encoding.Latin1.GetString(value)));
        return HttpBytes.IsText(value);
    }

    /// <summary>Decides what takes more than one line to decide: whom the request is for, and where it ends.</summary>
    private bool TryFinish()
    {
        var host = Header(HostHeader);
        if (host is null ? !IsVersion10 : Count(HostHeader) > 1 || !IsHost(host) || !_target!.AgreesWith(host))
        {
            return false;
        }

        var framing = HttpFraming.TryRead(this);
        Authority = _target!.Authority ?? host;
        _framing = framing.GetValueOrDefault();
        return framing is not null;
    }
}
