using MProxy.Engine.Link;

namespace MProxy.Engine.Http;

/// <summary>
/// Follows the requests of one client, so that a connection that was routed by its first host never carries a request for another. Pure:
/// bytes in, verdict out; no byte is kept.
/// </summary>
/// <remarks>
/// Two threads may use one: one calls <see cref="Check"/>, the other <see cref="AnswerSeen"/>. They share nothing but whether protocols were
/// switched. Check says what it lets through before its caller sends it, so an answer to a request always finds that request noted here.
/// </remarks>
/// <param name="name">The host of the connection, folded.</param>
/// <param name="fold">Makes one text of all the ways to write a host; null for what is none.</param>
/// <param name="isAllowed">Decides about each request besides its host; null for all.</param>
internal sealed class HttpRequestFollower(string name, Func<string, string?> fold, Func<HttpRequestHead, bool>? isAllowed = null) : IClientFilter
{
    private readonly object _gate = new();
    private readonly ChunkedBody _chunks = new();
    private readonly AnswerStatus _answer = new();
    private volatile Switch _switch;
    private bool _hasRequest;
    private bool _mayBeBlank;
    private bool _isChunked;
    private long _bodyLeft;
    private int _seen;

    /// <summary>Whether the connection stays HTTP/1.x.</summary>
    private enum Switch
    {
        /// <summary>No request yet.</summary>
        Unknown,

        /// <summary>It does.</summary>
        Never,

        /// <summary>It ends with an answer 101.</summary>
        AwaitsUpgrade,

        /// <summary>It ends with an answer 2xx.</summary>
        AwaitsTunnel,

        /// <summary>It has ended.</summary>
        Done,
    }

    /// <summary>Why the connection must end; null as long as it need not.</summary>
    public string? Reason { get; private set; }

    /// <inheritdoc/>
    public bool NeedsAnswer => _switch is Switch.Unknown or Switch.AwaitsUpgrade or Switch.AwaitsTunnel;

    /// <inheritdoc/>
    public FilterVerdict Check(ReadOnlySpan<byte> pending, out int allowed)
    {
        allowed = 0;
        while (Reason is null)
        {
            var rest = pending[allowed..];
            if (rest.IsEmpty)
            {
                return FilterVerdict.Go;
            }

            if (TakeBody(rest) is > 0 and var count)
            {
                allowed += count;
                continue;
            }

            if (Reason is not null)
            {
                break;
            }

            switch (_switch)
            {
                case Switch.Done:
                    allowed = pending.Length;
                    return FilterVerdict.Go;
                case Switch.AwaitsUpgrade or Switch.AwaitsTunnel:
                    return FilterVerdict.Wait;
                default:
                    if (!TryTakeHead(rest, ref allowed))
                    {
                        return Reason is null ? FilterVerdict.More : FilterVerdict.Stop;
                    }

                    break;
            }
        }

        return FilterVerdict.Stop;
    }

    /// <summary>Reads what comes from the other side, from its first byte on, in any pieces. Does nothing once no answer is needed any more.</summary>
    public void AnswerSeen(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || HasSpokenFirst() || !NeedsAnswer || !_answer.TryRead(bytes, out var status))
        {
            return;
        }

        // Nobody else changes it while an answer is awaited.
        var isSwitched = _switch == Switch.AwaitsUpgrade ? status == 101 : status is >= 200 and < 300;
        _switch = isSwitched ? Switch.Done : Switch.Never;
    }

    /// <summary>Bytes that come before any request answer none, so nothing that is asked later can be what they allow.</summary>
    private bool HasSpokenFirst()
    {
        lock (_gate)
        {
            if (_switch != Switch.Unknown)
            {
                return false;
            }

            _switch = Switch.Never;
            return true;
        }
    }

    private int TakeBody(ReadOnlySpan<byte> rest)
    {
        if (!_isChunked)
        {
            var count = (int)Math.Min(_bodyLeft, rest.Length);
            _bodyLeft -= count;
            return count;
        }

        var taken = _chunks.Take(rest);
        _isChunked = !_chunks.IsDone;
        Reason = _chunks.IsBroken ? "The request's chunked body is malformed." : null;
        return taken;
    }

    /// <summary>Lets a whole head through, or an empty line before it, which some clients send behind a body (RFC 9112, section 2.2).</summary>
    private bool TryTakeHead(ReadOnlySpan<byte> rest, ref int allowed)
    {
        if (_mayBeBlank && rest is [(byte)'\r'])
        {
            return false;
        }

        if (_mayBeBlank && rest is [(byte)'\r', (byte)'\n', ..])
        {
            _mayBeBlank = false;
            allowed += 2;
            return true;
        }

        // What cannot be the start of a method will not get any better, so it need not wait for an end of line.
        if (!HttpBytes.IsToken(rest[0]))
        {
            return Refuse("The request's head is malformed.");
        }

        if (!HttpRequestHead.IsDecided(rest, _seen))
        {
            _seen = rest.Length;
            return false;
        }

        _seen = 0;
        if (HttpRequestHead.Read(rest).Head is not { } head)
        {
            return Refuse($"The request's head is malformed, or longer than {HttpRequestHead.MaxLength} bytes.");
        }

        if (FindFault(head) is { } fault)
        {
            return Refuse(fault);
        }

        Note(head);
        allowed += head.Length;
        return true;
    }

    private bool Refuse(string reason)
    {
        Reason = reason;
        return false;
    }

    private string? FindFault(HttpRequestHead head) =>
        _hasRequest && head.Method == "CONNECT" ? "CONNECT is not the connection's first request."
        : head.Authority is not { } authority || HttpHostName.TryRead(authority) is not { } host ? "The request names no host."
        : isAllowed?.Invoke(head) == false ? "The request is one that may not go this way."
        : fold(host) != name ? "The request is for another host than the connection's first."
        : null;

    private void Note(HttpRequestHead head)
    {
        lock (_gate)
        {
            if (_switch == Switch.Unknown)
            {
                _switch = head.Method == "CONNECT" ? Switch.AwaitsTunnel : IsUpgrade(head) ? Switch.AwaitsUpgrade : Switch.Never;
            }
        }

        _hasRequest = true;
        _mayBeBlank = true;
        _bodyLeft = head.BodyLength;
        _isChunked = head.IsChunked;
        _chunks.Reset();
    }

    /// <summary>
    /// HTTP/1.0 has no upgrade (RFC 9110, section 7.8). One to HTTP or TLS is left to be ignored by the other side: if it is not, then its bytes
    /// end the connection, since requests for any host could follow in them.
    /// </summary>
    private static bool IsUpgrade(HttpRequestHead head) =>
        !head.IsVersion10 && head.Header("Upgrade") is { } list && !Array.Exists(list.Split(','), IsOtherHttp);

    private static bool IsOtherHttp(string item)
    {
        var protocol = item.Trim(' ', '\t').Split('/')[0];
        return protocol.StartsWith("h2", StringComparison.OrdinalIgnoreCase)
            || protocol.Equals("http", StringComparison.OrdinalIgnoreCase)
            || protocol.Equals("tls", StringComparison.OrdinalIgnoreCase);
    }
}
