using System.Text;

namespace MProxy.Protocol;

/// <summary>
/// A parsed frame header, as a view over the bytes it was read from: valid until the scanner is called again.
/// Nothing above the codec sees commas; a later binary header would fill the same view.
/// </summary>
public readonly ref struct FrameHeader
{
    /// <summary>What the frame is for.</summary>
    public required FrameKind Kind { get; init; }

    /// <summary>The client's identity on a link, byte for byte as the peer writes it. Empty on control frames.</summary>
    public required ReadOnlySpan<byte> Identity { get; init; }

    /// <summary><c>IPv4</c>, <c>IPv6</c> or another family, as sent.</summary>
    public required ReadOnlySpan<byte> Family { get; init; }

    /// <summary>The remote client's address as text.</summary>
    public required ReadOnlySpan<byte> Address { get; init; }

    /// <summary>The client's source port, 0 to 65535; null where absent.</summary>
    public required int? Port { get; init; }

    /// <summary>Declared length of the body, in bytes.</summary>
    public required long BodyLength { get; init; }

    /// <summary>The service: of a connection the eighth field, of a message the fifth.</summary>
    public required ReadOnlySpan<byte> Service { get; init; }

    /// <summary>False where the header stops before the service (a connection of fewer than eight fields), and for the other verbs.</summary>
    public required bool HasService { get; init; }

    /// <summary>The port the client came in on, 0 to 65535; null where absent.</summary>
    public required int? ServicePort { get; init; }

    /// <summary>Server name, host, or whatever the service calls its target.</summary>
    public required ReadOnlySpan<byte> Name { get; init; }

    /// <summary>False where the header stops before the name.</summary>
    public required bool HasName { get; init; }

    /// <summary>The header as it was read. <see cref="HeaderTemplate.Rewrite"/> writes it again.</summary>
    internal ReadOnlySpan<byte> Raw { get; init; }

    /// <summary>Where SIZE stands in it.</summary>
    internal Range Size { get; init; }

    /// <summary>Text of a field; invalid UTF-8 (seen in lenient mode only) becomes U+FFFD.</summary>
    public static string Text(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field);

    /// <summary>The fields as strings, to pack a frame for the same client again.</summary>
    public FrameMeta ToMeta() => new()
    {
        Family = Text(Family),
        Address = Text(Address),
        Port = Port,
        Service = HasService ? Text(Service) : null,
        ServicePort = ServicePort,
        Name = HasName ? Text(Name) : null,
    };
}
