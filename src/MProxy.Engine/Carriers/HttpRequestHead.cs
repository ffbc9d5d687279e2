using System.Buffers;
using System.Text;

namespace MProxy.Engine.Carriers;

/// <summary>
/// The head of an HTTP/1.1 request, read strictly (RFC 9112): what two readers could take in two ways is refused. Pure: bytes in, result out.
/// </summary>
internal sealed class HttpRequestHead
{
    /// <summary>The most bytes of a head, its empty line included.</summary>
    public const int MaxLength = 16 << 10;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> LineEndBytes = SearchValues.Create("\r\n"u8);

    /// <summary>Headers that decide something here, so that there must be no doubt which one counts.</summary>
    private static readonly HashSet<string> Single = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization", "Content-Length", "Transfer-Encoding",
    };

    private readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase);

    private HttpRequestHead()
    {
    }

    /// <summary>In the case it came.</summary>
    public string Method { get; private set; } = "";

    /// <summary>Path and query as they came, visible ASCII that starts with a slash.</summary>
    public string Target { get; private set; } = "";

    /// <summary>The target up to its query, not decoded.</summary>
    public string Path => Target.Split('?', 2)[0];

    /// <summary>How many bytes the head takes, its empty line included.</summary>
    public int Length { get; private set; }

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
                return head._headers.ContainsKey("Host") ? (HttpHeadStatus.Complete, head) : (HttpHeadStatus.Malformed, null);
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
    public string? Header(string name) => _headers.GetValueOrDefault(name);

    /// <summary>A header, read as a list of words, has this one in any case.</summary>
    public bool HasWord(string name, string word) =>
        Header(name) is { } list && list.Split(',').Any(item => item.Trim(' ', '\t').Equals(word, StringComparison.OrdinalIgnoreCase));

    private static bool IsToken(ReadOnlySpan<byte> bytes) => !bytes.IsEmpty && !bytes.ContainsAnyExcept(TokenBytes);

    private bool TryReadRequestLine(ReadOnlySpan<byte> line)
    {
        var methodEnd = line.IndexOf((byte)' ');
        var targetEnd = line.LastIndexOf((byte)' ');
        if (methodEnd < 0 || targetEnd <= methodEnd || !line[(targetEnd + 1)..].SequenceEqual("HTTP/1.1"u8))
        {
            return false;
        }

        var method = line[..methodEnd];
        var target = line[(methodEnd + 1)..targetEnd];
        if (!IsToken(method) || target is not [(byte)'/', ..] || target.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) || target.Contains((byte)'#'))
        {
            return false;
        }

        Method = Encoding.ASCII.GetString(method);
        Target = Encoding.ASCII.GetString(target);
        return true;
    }

    private bool TryReadHeader(ReadOnlySpan<byte> line)
    {
        // A line that starts with a space would continue the one before (obs-fold): its name is no token.
        var colon = line.IndexOf((byte)':');
        if (colon < 0 || !IsToken(line[..colon]))
        {
            return false;
        }

        var value = line[(colon + 1)..].Trim(" \t"u8);
        foreach (var b in value)
        {
            if (b is 0x7f or (< 0x20 and not (byte)'\t'))
            {
                return false;
            }
        }

        var name = Encoding.ASCII.GetString(line[..colon]);
        var text = Encoding.Latin1.GetString(value);
        if (name.Equals("Host", StringComparison.OrdinalIgnoreCase) && !IsHost(text))
        {
            return false;
        }

        if (_headers.TryAdd(name, text))
        {
            return true;
        }

        _headers[name] = $"{_headers[name]}, {text}";
        return !Single.Contains(name);
    }

    private static bool IsHost(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-._~:[]%!$&'()*+;=".Contains(c, StringComparison.Ordinal));
}
