namespace MProxy.Protocol;

/// <summary>The numbers of the wire. Source: protocol.md, section 1.</summary>
public static class WireFormat
{
    /// <summary>First byte of every frame of version 1: 255 - version.</summary>
    public const byte Version1 = 254;

    /// <summary>Bytes before the header: version and header length.</summary>
    public const int PreambleLength = 2;

    /// <summary>The longest header, in bytes: its length is one byte.</summary>
    public const int MaxHeaderLength = 255;

    /// <summary>The room in front of a body that holds any preamble and header, in bytes.</summary>
    public const int MaxHeaderRoom = PreambleLength + MaxHeaderLength;

    /// <summary>Fewest header fields: family, address, port, SIZE, service.</summary>
    public const int MinFieldCount = 5;

    /// <summary>Default limit of a whole frame's body, in bytes (64 MiB).</summary>
    public const int DefaultMaxFrameLength = 64 << 20;
}
