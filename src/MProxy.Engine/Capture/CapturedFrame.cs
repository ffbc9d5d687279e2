using MProxy.Protocol;

namespace MProxy.Engine.Capture;

/// <summary>A frame on its way to the file: preamble, header and as much of the body as is kept. Or, without bytes, why a source has no more.</summary>
internal sealed class CapturedFrame
{
    // The object itself and its place in the queue: frames may be tiny.
    private const int Overhead = 256;

    public required CaptureSource Source { get; init; }

    public FrameKind Kind { get; init; }

    /// <summary>The body's length on the wire.</summary>
    public long Length { get; init; }

    public ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>How much of that is preamble and header.</summary>
    public int HeaderLength { get; init; }

    /// <summary>How much of the header, from its start, is the client's identity; none on control frames.</summary>
    public int IdentityLength { get; init; }

    /// <summary>Why this source cannot be read any further; null for a frame.</summary>
    public string? Unreadable { get; init; }

    public ReadOnlySpan<byte> Identity => Bytes.Span.Slice(Math.Min(WireFormat.PreambleLength, Bytes.Length), IdentityLength);

    public ReadOnlySpan<byte> Body => Bytes.Span[HeaderLength..];

    /// <summary>What it takes while it waits.</summary>
    public int Cost => Bytes.Length + Overhead;
}
