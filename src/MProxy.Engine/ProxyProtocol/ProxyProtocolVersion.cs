namespace MProxy.Engine.ProxyProtocol;

/// <summary>How a server is told who its client is, in front of the client's first byte. Source: HAProxy's proxy-protocol.txt.</summary>
public enum ProxyProtocolVersion
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>With one line of text.</summary>
    V1,

    /// <summary>In binary, with room for more than addresses.</summary>
    V2,
}
