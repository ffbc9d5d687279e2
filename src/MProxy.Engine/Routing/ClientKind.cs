namespace MProxy.Engine.Routing;

/// <summary>What a client speaks.</summary>
internal enum ClientKind
{
    /// <summary>More bytes have to tell.</summary>
    Unknown,

    /// <summary>TLS, from its first handshake record on.</summary>
    Tls,

    /// <summary>HTTP/1.x.</summary>
    Http,

    /// <summary>HTTP/2 without TLS.</summary>
    Http2,

    /// <summary>Anything else: plain TCP.</summary>
    Raw,
}
