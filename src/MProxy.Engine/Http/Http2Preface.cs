namespace MProxy.Engine.Http;

/// <summary>
/// What a client says first that speaks HTTP/2 without asking (RFC 9113, section 3.4). It is made to fail as HTTP/1.x, so look for it before
/// a head is read: its first half already ends in an empty line.
/// </summary>
internal static class Http2Preface
{
    private static ReadOnlySpan<byte> Bytes => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Complete where the data starts with it, Incomplete where it still could, Malformed where it is something else.</summary>
    public static HttpHeadStatus Read(ReadOnlySpan<byte> data) =>
        data.StartsWith(Bytes) ? HttpHeadStatus.Complete : Bytes.StartsWith(data) ? HttpHeadStatus.Incomplete : HttpHeadStatus.Malformed;
}
