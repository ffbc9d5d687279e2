namespace MProxy.Engine.Packets;

/// <summary>A file that is no capture of packets, or is damaged.</summary>
public sealed class PacketFileException : IOException
{
    /// <summary>Says what is wrong, and where.</summary>
    /// <param name="message">Whatever it is, without the place.</param>
    /// <param name="offset">Where, in bytes from the start of the file.</param>
    public PacketFileException(string message, long offset)
        : base($"{message} (at byte offset {offset})") => Offset = offset;

    /// <summary>Where it stands, in bytes from the start of the file.</summary>
    public long Offset { get; }
}
