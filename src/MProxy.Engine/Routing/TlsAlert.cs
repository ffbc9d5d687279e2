namespace MProxy.Engine.Routing;

/// <summary>What a client of TLS is told before its connection ends: whole records, in plain text (RFC 8446, section 6).</summary>
internal static class TlsAlert
{
    /// <summary>Nobody serves the name that it asks for (RFC 6066, section 3).</summary>
    public static ReadOnlyMemory<byte> UnrecognizedName { get; } = Fatal(112);

    /// <summary>It came to a port that speaks no TLS.</summary>
    public static ReadOnlyMemory<byte> HandshakeFailure { get; } = Fatal(40);

    /// <summary>It is the relay's fault, not the client's: another time it may do.</summary>
    public static ReadOnlyMemory<byte> InternalError { get; } = Fatal(80);

    /// <summary>Its ClientHello cannot be read.</summary>
    public static ReadOnlyMemory<byte> DecodeError { get; } = Fatal(50);

    /// <summary>The record's version is the one that every client takes, whatever it asked for.</summary>
    private static byte[] Fatal(byte description) => [0x15, 3, 1, 0, 2, 2, description];
}
