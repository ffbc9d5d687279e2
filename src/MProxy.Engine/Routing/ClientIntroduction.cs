using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Engine.Routing;

/// <summary>
/// Finds out from a client's first bytes which service and name it is for. Pure: bytes in, result out. What is read here is what
/// authorisation checks, and what the device is told.
/// </summary>
internal sealed class ClientIntroduction(ClientPortKind port)
{
    /// <summary>The most bytes that are needed to tell.</summary>
    public const int MaxLength = ClientHello.MaxLength;

    private readonly ClientHello _hello = new();
    private int _seen;
    private DnsQuery? _query;
    private ReadOnlyMemory<byte> _refused;

    /// <summary><c>https</c>, <c>http</c>, <c>tcp</c> or <c>dns-tcp</c>, as the header of its frames says; empty until it is known.</summary>
    public string Service { get; private set; } = "";

    /// <summary>The folded name that it is for; null where it names none.</summary>
    public string? Name { get; private set; }

    /// <summary>Its first request; null where it does not speak HTTP/1.x.</summary>
    public HttpRequestHead? Request { get; private set; }

    /// <summary>It speaks HTTP/2 without TLS, and cannot be followed from request to request.</summary>
    public bool IsHttp2 { get; private set; }

    /// <summary>Why it goes to no device; null as long as it may.</summary>
    public ClientRefusal? Refusal { get; private set; }

    /// <summary>What to answer where no device takes a client that was understood.</summary>
    public ClientRefusal NoDevice => IsHttp2 ? new("it speaks HTTP/2, which goes by port", HttpAnswer.NoHttp2.ToBytes(withBody: true))
        : Request is not null ? Answer("no device serves its host", HttpAnswer.NoDevice)
        : Service == "https" ? new("no device serves its server name", TlsAlert.UnrecognizedName)
        : Service == ClientService.DnsOverTcp ? new("no device serves the name of its question", _refused)
        : ClientRefusal.NoDevice;

    /// <summary>The same for one that may come another time: a limit keeps it out, or it cannot be told apart from another now.</summary>
    /// <param name="limit">Which.</param>
    public ClientRefusal Busy(ClientRefusal limit) => Request is not null || IsHttp2 ? Answer(limit.Reason, HttpAnswer.Busy)
        : Service == "https" ? new(limit.Reason, TlsAlert.InternalError)
        : limit;

    /// <summary>Looks at a client's bytes.</summary>
    /// <param name="data">All bytes so far, those of earlier calls included.</param>
    /// <returns>True when it is decided: the client is known, or refused. Always with <see cref="MaxLength"/> bytes.</returns>
    public bool Read(ReadOnlySpan<byte> data)
    {
        if (port == ClientPortKind.Dns)
        {
            return ReadQuery(data);
        }

        switch (KindOf(data))
        {
            case ClientKind.Unknown:
                return false;
            case ClientKind.Tls when port != ClientPortKind.Http:
                return ReadHello(data);
            case ClientKind.Http when port != ClientPortKind.Tls:
                return ReadRequest(data);
            case ClientKind.Http2 when port != ClientPortKind.Tls:
                IsHttp2 = true;
                return Know("http", name: null);
            case ClientKind.Raw when port == ClientPortKind.Mixed:
                return Know("tcp", name: null);
            case ClientKind.Http:
                return Refuse("it speaks HTTP on a port for TLS", HttpAnswer.BadRequest("This port is for https.").ToBytes(withBody: true));
            case ClientKind.Tls:
                return Refuse("it speaks TLS on a port for HTTP", TlsAlert.HandshakeFailure);
            default:
                return Refuse("it speaks neither TLS nor HTTP", port == ClientPortKind.Http ? HttpAnswer.NotUnderstood.ToBytes(withBody: true) : TlsAlert.DecodeError);
        }
    }

    /// <summary>A client that is not decided says nothing more: what might still have become TLS or HTTP is plain TCP, where that is taken.</summary>
    /// <param name="data">All bytes of it.</param>
    public bool IsRawAtEnd(ReadOnlySpan<byte> data) =>
        port == ClientPortKind.Mixed && KindOf(data) == ClientKind.Unknown;

    /// <summary>An answer to its first request.</summary>
    public ClientRefusal Answer(string reason, HttpAnswer answer) => new(reason, answer.ToBytes(withBody: Request?.Method != "HEAD"));

    /// <summary>What a client of this port speaks. Where raw TCP comes too, a word in capitals tells nothing yet: the end of its line does.</summary>
    private ClientKind KindOf(ReadOnlySpan<byte> data)
    {
        var kind = ClientPreface.Read(data);
        if (kind != ClientKind.Http || port != ClientPortKind.Mixed)
        {
            return kind;
        }

        var line = data[..Math.Min(data.Length, HttpRequestHead.MaxLength)];
        var end = line.IndexOf((byte)'\n');
        if (end < 0 && line.Length < HttpRequestHead.MaxLength)
        {
            return ClientKind.Unknown;
        }

        return line[..(end < 0 ? line.Length : end)].IndexOf(" HTTP/1."u8) >= 0 ? ClientKind.Http : ClientKind.Raw;
    }

    private bool ReadQuery(ReadOnlySpan<byte> data)
    {
        _query = DnsStreamQuery.TryRead(data, out var length, out var needsMore);
        if (needsMore)
        {
            return false;
        }

        if (_query is null)
        {
            return Refuse("its DNS message asks no question", default);
        }

        _refused = DnsStreamQuery.Frame(_query.ToRefused(data[DnsStreamQuery.LengthBytes..Math.Min(length, data.Length)]));
        return Know(ClientService.DnsOverTcp, _query.Name);
    }

    private bool ReadHello(ReadOnlySpan<byte> data) => _hello.Read(data) switch
    {
        (ClientHelloStatus.Complete, var name) => Know("https", name),
        (ClientHelloStatus.Malformed, _) => Refuse("its ClientHello is malformed", TlsAlert.DecodeError),
        _ => false,
    };

    private bool ReadRequest(ReadOnlySpan<byte> data)
    {
        if (!HttpRequestHead.IsDecided(data, _seen))
        {
            _seen = data.Length;
            return false;
        }

        var (_, head) = HttpRequestHead.Read(data);
        Request = head;
        if (head is null)
        {
            return Refuse("its request is malformed", HttpAnswer.NotUnderstood.ToBytes(withBody: true));
        }

        if (head.Authority is null)
        {
            return Know("http", name: null);
        }

        return HttpHostName.TryRead(head.Authority) is { } host && ServerName.TryFold(host) is { } name
            ? Know("http", name)
            : Refuse("the host of its request is none", HttpAnswer.NotUnderstood.ToBytes(withBody: head.Method != "HEAD"));
    }

    private bool Know(string service, string? name)
    {
        (Service, Name) = (service, name);
        return true;
    }

    private bool Refuse(string reason, ReadOnlyMemory<byte> answer)
    {
        Refusal = new(reason, answer);
        return true;
    }
}
