using System.Diagnostics.CodeAnalysis;

namespace MProxy.Protocol;

/// <summary>A piece of one frame: its header, or the next bytes of its body, or both. Valid until the scanner is called again.</summary>
public ref struct FrameSlice
{
    private FrameHeader _header;

    /// <summary>True for the first piece of a frame, the one with <see cref="Header"/>.</summary>
    public bool IsStart { readonly get; internal set; }

    /// <summary>True for the piece that completes its frame.</summary>
    public bool IsEnd { readonly get; internal set; }

    /// <summary>The header, on the first piece of a frame only.</summary>
    [UnscopedRef]
    public readonly ref readonly FrameHeader Header => ref _header;

    /// <summary>The body's next bytes, a slice of the input; empty where none have come yet.</summary>
    public ReadOnlySpan<byte> Body { readonly get; internal set; }

    /// <summary>Where the header is written: in place, since copying it would cost about as much as reading it.</summary>
    [UnscopedRef]
    internal ref FrameHeader Target => ref _header;
}
