namespace MProxy.Benchmarks.Peers;

/// <summary>How a tunnel is set up.</summary>
[Flags]
internal enum PeerKind
{
    /// <summary>No tunnel at all.</summary>
    Direct = 1,

    /// <summary>Its link is plain, or what its maker says is best.</summary>
    Plain = 2,

    /// <summary>Its link is encrypted.</summary>
    Tls = 4,

    /// <summary>Its link is a WebSocket.</summary>
    WebSocket = 8,

    /// <summary>Its link takes a while each way.</summary>
    Far = 16,

    /// <summary>Hosted by a process that does not inline completions, as pwsh is.</summary>
    Hosted = 32,

    /// <summary>Its link goes through a narrow way.</summary>
    Narrow = 64,
}
