namespace MProxy.Protocol;

/// <summary>A piece of one frame: its header, or the next bytes of its body, or both. Valid until the scanner is called again.</summary>
public readonly ref struct FrameSlice
{
    /// <summary>True for the first piece of a frame, the one with <see cref="Header"/>.</summary>
    public required bool IsStart { get; init; }

    /// <summary>True for the piece that completes its frame.</summary>
    public required bool IsEnd { get; init; }

    /// <summary>The header, on the first piece of a frame only.</summary>
    public FrameHeader Header { get; init; }

    /// <summary>The body's next bytes, a slice of the input; empty where none have come yet.</summary>
    public ReadOnlySpan<byte> Body { get; init; }
}
