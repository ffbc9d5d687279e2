namespace MProxy.Engine.ProxyProtocol;

/// <summary>
/// Reads the PROXY header in front of a connection, version 1 or 2, strictly: what two readers could take in two ways is refused.
/// Pure: bytes in, result out. While a header is incomplete, read again from its first byte when more is there.
/// </summary>
internal static class ProxyHeaderReader
{
    /// <summary>The most bytes of a header of either version: with this many, <see cref="Read"/> never says Incomplete.</summary>
    public const int MaxLength = ProxyBinaryHeader.MaxLength;

    /// <summary>Reads the header at the start of these bytes, which may go on behind it. A header is given exactly when the status is Complete.</summary>
    public static (ProxyHeaderStatus Status, ProxyHeader? Header) Read(ReadOnlySpan<byte> data)
    {
        if (StartsAs(data, ProxyBinaryHeader.Signature))
        {
            return data.Length < ProxyBinaryHeader.Signature.Length ? (ProxyHeaderStatus.Incomplete, null) : ProxyBinaryHeader.Read(data);
        }

        // Five characters decide, as the specification has it: a request of another protocol may begin with the same four.
        if (StartsAs(data, ProxyTextHeader.Keyword))
        {
            return data.Length < ProxyTextHeader.Keyword.Length ? (ProxyHeaderStatus.Incomplete, null) : ProxyTextHeader.Read(data);
        }

        return (ProxyHeaderStatus.Absent, null);
    }

    /// <summary>Whether these bytes begin with that, as far as they go.</summary>
    private static bool StartsAs(ReadOnlySpan<byte> data, ReadOnlySpan<byte> start) =>
        start.StartsWith(data[..Math.Min(data.Length, start.Length)]);
}
