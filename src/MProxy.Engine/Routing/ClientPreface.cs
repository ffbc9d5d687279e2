namespace MProxy.Engine.Routing;

/// <summary>Tells from a client's first bytes what it speaks. Once it is told, more bytes change nothing.</summary>
internal static class ClientPreface
{
    /// <summary>The most bytes that are needed to tell.</summary>
    public const int MaxLength = MaxMethodLength + 1;

    private const int MaxMethodLength = 20;
    private const byte HandshakeRecord = 22;
    private const byte MajorVersion = 3;

    /// <summary>How an HTTP/2 connection starts (RFC 9113, section 3.4).</summary>
    private static ReadOnlySpan<byte> Http2Start => "PRI * HTTP/2.0"u8;

    /// <summary>What a client speaks whose first bytes are these.</summary>
    public static ClientKind Read(ReadOnlySpan<byte> data)
    {
        if (data is [HandshakeRecord, ..])
        {
            return data.Length == 1 ? ClientKind.Unknown : data[1] == MajorVersion ? ClientKind.Tls : ClientKind.Raw;
        }

        if (data.StartsWith(Http2Start))
        {
            return ClientKind.Http2;
        }

        var letters = data.IndexOfAnyExceptInRange((byte)'A', (byte)'Z');
        if (Http2Start.StartsWith(data) || (letters < 0 && data.Length <= MaxMethodLength))
        {
            return ClientKind.Unknown;
        }

        return letters is >= 1 and <= MaxMethodLength && data[letters] == ' ' ? ClientKind.Http : ClientKind.Raw;
    }
}
