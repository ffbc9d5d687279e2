namespace MProxy.Protocol;

/// <summary>The input stopped inside a frame.</summary>
public sealed class IncompleteFrameException : IOException
{
    internal IncompleteFrameException(long offset, long missing, bool headerIncomplete)
        : base($"The input ends inside the frame that starts at byte offset {offset}: "
            + (headerIncomplete ? "at least " : "") + $"{missing} more byte(s) are missing. "
            + "The capture was cut short, or the stream is still being written.")
    {
        Offset = offset;
        MissingByteCount = missing;
    }

    /// <summary>Where the unfinished frame starts, in bytes from the start of the stream.</summary>
    public long Offset { get; }

    /// <summary>How many bytes the frame still needs; while its header is unfinished, those of the header alone.</summary>
    public long MissingByteCount { get; }
}
