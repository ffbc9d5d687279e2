using System.Text;

namespace MProxy.Protocol;

/// <summary>
/// A parsed frame header, as a view over the bytes it was read from: valid until the scanner is called again. It knows where
/// the fields are and makes a span of one when it is asked for: few users want all of them, and headers are copied around.
/// Nothing above the codec sees commas; a later binary header would fill the same view.
/// </summary>
public ref struct FrameHeader
{
    /// <summary>Of a port that the header does not have.</summary>
    internal const int NoPort = -1;

    private HeaderFields _fields;
    private int _port;
    private int _servicePort;

    /// <summary>What the frame is for.</summary>
    public FrameKind Kind { readonly get; private set; }

    /// <summary>The client's identity on a link, byte for byte as the peer writes it. Empty on control frames.</summary>
    public readonly ReadOnlySpan<byte> Identity => Kind == FrameKind.Control ? default : Raw[.._fields.End(2)];

    /// <summary><c>IPv4</c>, <c>IPv6</c> or another family, as sent.</summary>
    public readonly ReadOnlySpan<byte> Family => _fields.Of(Raw, 0);

    /// <summary>The remote client's address as text.</summary>
    public readonly ReadOnlySpan<byte> Address => _fields.Of(Raw, 1);

    /// <summary>The client's source port, 0 to 65535; null where absent.</summary>
    public readonly int? Port => _port == NoPort ? null : _port;

    /// <summary>Declared length of the body, in bytes.</summary>
    public long BodyLength { readonly get; private set; }

    /// <summary>The service: of a connection the eighth field, of a message the fifth.</summary>
    public readonly ReadOnlySpan<byte> Service => _fields.Of(Raw, ServiceIndex);

    /// <summary>False where the header stops before the service (a connection of fewer than eight fields), and for the other verbs.</summary>
    public readonly bool HasService => ServiceIndex < _fields.Count;

    /// <summary>The port the client came in on, 0 to 65535; null where absent.</summary>
    public readonly int? ServicePort => _servicePort == NoPort ? null : _servicePort;

    /// <summary>Server name, host, or whatever the service calls its target.</summary>
    public readonly ReadOnlySpan<byte> Name => _fields.Of(Raw, 6);

    /// <summary>False where the header stops before the name.</summary>
    public readonly bool HasName => _fields.Count > 6;

    /// <summary>The header as it was read. <see cref="HeaderTemplate.Rewrite"/> writes it again.</summary>
    internal ReadOnlySpan<byte> Raw { readonly get; private set; }

    /// <summary>Where SIZE stands in it.</summary>
    internal readonly Range Size => _fields.Start(3).._fields.End(3);

    private readonly int ServiceIndex => Kind switch { FrameKind.Message => 4, FrameKind.Connection => 7, _ => HeaderFields.MaxCount };

    /// <summary>Text of a field; invalid UTF-8 (seen in lenient mode only) becomes U+FFFD.</summary>
    public static string Text(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field);

    /// <summary>The fields as strings, to pack a frame for the same client again.</summary>
    public readonly FrameMeta ToMeta() => ToMeta(default);

    /// <summary>The fields as strings: those of the frame before, where they are the same, since most frames follow one of their client.</summary>
    internal readonly FrameMeta ToMeta(in FrameMeta before) => new()
    {
        Family = Text(Family, before.Family),
        Address = Text(Address, before.Address),
        Port = Port,
        Service = HasService ? Text(Service, before.Service) : null,
        ServicePort = ServicePort,
        Name = HasName ? Text(Name, before.Name) : null,
    };

    /// <summary>Makes this the view of a header that was read.</summary>
    internal void Set(ReadOnlySpan<byte> raw, HeaderFields fields, FrameKind kind, int port, long bodyLength, int servicePort)
    {
        Raw = raw;
        _fields = fields;
        Kind = kind;
        _port = port;
        BodyLength = bodyLength;
        _servicePort = servicePort;
    }

    private static string Text(ReadOnlySpan<byte> field, string? before) =>
        before is not null && Ascii.Equals(field, before) ? before : Text(field);
}
