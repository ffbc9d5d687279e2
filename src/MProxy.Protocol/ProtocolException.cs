namespace MProxy.Protocol;

/// <summary>The input is not M-PROXY: the stream cannot be read past <see cref="Offset"/>.</summary>
public sealed class ProtocolException : FormatException
{
    /// <summary>Says what was wrong at a byte offset.</summary>
    public ProtocolException(string message, long offset)
        : base($"{message} (at byte offset {offset})") => Offset = offset;

    /// <summary>Where the wrong byte or field starts, in bytes from the start of the stream.</summary>
    public long Offset { get; }
}
