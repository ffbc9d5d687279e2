using System.Numerics;
using System.Runtime.Intrinsics;

namespace MProxy.Protocol;

/// <summary>Where the fields of a header are: the first eight, in as many bytes, since a header has 255 at most.</summary>
internal readonly struct HeaderFields
{
    public const int MaxCount = 8;

    private readonly ulong _ends;

    private HeaderFields(ulong ends, int count, bool isAscii)
    {
        _ends = ends;
        Count = count;
        IsAscii = isAscii;
    }

    /// <summary>How many fields there are; those past the eighth are not counted.</summary>
    public int Count { get; }

    /// <summary>No byte of the header is part of a longer character, so it is valid UTF-8.</summary>
    public bool IsAscii { get; }

    /// <summary>Finds the commas, 32 bytes at a time: this is most of what reading a header costs.</summary>
    public static HeaderFields Split(ReadOnlySpan<byte> header) =>
        header.Length < Vector256<byte>.Count ? SplitShort(header) : Split(header, header.Length);

    /// <summary>Where a field starts.</summary>
    public int Start(int index) => index == 0 ? 0 : End(index - 1) + 1;

    /// <summary>Where a field ends: at a comma, or where the header does.</summary>
    public int End(int index) => (byte)(_ends >> (8 * index));

    /// <summary>A field; empty where the header stops before it.</summary>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> header, int index) => index < Count ? header[Start(index)..End(index)] : default;

    private static HeaderFields SplitShort(ReadOnlySpan<byte> header)
    {
        // Room for one load, with zeros behind the header. They are no commas.
        Span<byte> padded = stackalloc byte[Vector256<byte>.Count];
        padded.Clear();
        header.CopyTo(padded);
        return Split(padded, header.Length);
    }

    private static HeaderFields Split(ReadOnlySpan<byte> bytes, int length)
    {
        var (ends, count, all) = (0UL, 0, Vector256<byte>.Zero);
        for (var start = 0; start < length; start += Vector256<byte>.Count)
        {
            // The last load overlaps the one before it, and what both have is shifted out.
            var from = Math.Min(start, bytes.Length - Vector256<byte>.Count);
            var block = Vector256.Create(bytes[from..]);
            all |= block;
            var commas = Vector256.Equals(block, Vector256.Create((byte)',')).ExtractMostSignificantBits() >> (start - from);
            for (; commas != 0 && count < MaxCount; commas &= commas - 1)
            {
                ends |= (ulong)(start + BitOperations.TrailingZeroCount(commas)) << (8 * count++);
            }
        }

        if (count < MaxCount)
        {
            ends |= (ulong)length << (8 * count++);
        }

        return new HeaderFields(ends, count, all.ExtractMostSignificantBits() == 0);
    }
}
