namespace MProxy.Engine.ProxyProtocol;

/// <summary>What bytes are, as the start of a connection that a PROXY header may open.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>Nothing wrong so far; more must come.</summary>
    Incomplete,

    /// <summary>A whole header is there.</summary>
    Complete,

    /// <summary>It starts as a header does, and is none whatever follows: the connection is to be dropped.</summary>
    Malformed,

    /// <summary>Whatever follows, it does not even start as a header does.</summary>
    Absent,
}
