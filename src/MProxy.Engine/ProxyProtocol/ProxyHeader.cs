using System.Net;

namespace MProxy.Engine.ProxyProtocol;

/// <summary>What a PROXY header says of the connection that it opens.</summary>
/// <param name="Version">V1 or V2.</param>
/// <param name="Length">How many bytes it takes; the client's own begin behind them.</param>
internal sealed record ProxyHeader(ProxyProtocolVersion Version, int Length)
{
    /// <summary>Who connected; null where the header does not say. An IPv4 address that came as an IPv6 one (::ffff:1.2.3.4) is IPv4 here.</summary>
    public IPEndPoint? Source { get; init; }

    /// <summary>To which address; null exactly where <see cref="Source"/> is. Its family may be another where one of both came mapped.</summary>
    public IPEndPoint? Destination { get; init; }

    /// <summary>The name that the client asked for, from version 2; null where there is none.</summary>
    public string? Authority { get; init; }

    /// <summary>
    /// Whose connection this is stands in the connection itself: the sender made it on its own behalf (LOCAL), does not know for whom
    /// (UNKNOWN, unspecified), or has no TCP addresses to tell (unix sockets, datagrams).
    /// </summary>
    public bool IsLocal => Source is null;
}
