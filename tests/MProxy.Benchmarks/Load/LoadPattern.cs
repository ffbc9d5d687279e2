namespace MProxy.Benchmarks.Load;

/// <summary>The bytes of a stream, so that whoever receives some can tell whether they are the right ones.</summary>
internal static class LoadPattern
{
    /// <summary>The stream repeats itself after this many bytes: a prime, so that no buffer of a peer hides a wrong order.</summary>
    public const int Period = 1_048_573;

    // One period and the longest piece behind it: any piece of a stream is one span of it.
    private static readonly byte[] Bytes = Make();

    /// <summary>The longest piece, in bytes.</summary>
    public const int MaxPiece = 256 << 10;

    /// <summary>A piece of a stream.</summary>
    /// <param name="position">Where it begins, in bytes from the start of the stream.</param>
    /// <param name="length">Of the piece, up to <see cref="MaxPiece"/>.</param>
    public static ReadOnlySpan<byte> At(long position, int length) => Bytes.AsSpan((int)(position % Period), length);

    /// <exception cref="InvalidDataException">The bytes are not those of the stream: the tunnel has lost or changed some.</exception>
    public static void Check(long position, ReadOnlySpan<byte> received)
    {
        if (!received.SequenceEqual(At(position, received.Length)))
        {
            throw new InvalidDataException($"Wrong bytes behind byte {position} of a stream.");
        }
    }

    private static byte[] Make()
    {
        var bytes = new byte[Period + MaxPiece];
        new Random(1).NextBytes(bytes.AsSpan(0, Period));
        bytes.AsSpan(0, MaxPiece).CopyTo(bytes.AsSpan(Period));
        return bytes;
    }
}
