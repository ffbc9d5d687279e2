namespace MProxy.Engine.Routing;

/// <summary>What the clients of a port speak, which decides how they find their device.</summary>
internal enum ClientPortKind
{
    /// <summary>Anything. Nothing is read first: a client goes to the devices that were granted the port.</summary>
    Tcp,

    /// <summary>TLS: by the server name that its ClientHello asks for.</summary>
    Tls,

    /// <summary>HTTP/1.x: by its host.</summary>
    Http,

    /// <summary>Each client shows by its first bytes which of the three it is.</summary>
    Mixed,

    /// <summary>Datagrams: a client goes to the devices that were granted the port.</summary>
    Udp,

    /// <summary>DNS, over UDP and TCP: by the name of its question.</summary>
    Dns,
}
