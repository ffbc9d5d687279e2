using System.Collections.ObjectModel;

namespace MProxy.Engine.Metrics;

/// <summary>What a relay or tunnel counts anyway. It is read when somebody asks, on that thread, with no lock held; it throws nothing.</summary>
internal interface IMeterSource
{
    /// <summary>Whose numbers they are: <c>mproxy.relay.name</c> or <c>mproxy.tunnel.name</c>, and the name in this session.</summary>
    KeyValuePair<string, object?> Owner { get; }

    /// <summary>Links that are up.</summary>
    int Links { get; }

    /// <summary>Clients on the links.</summary>
    int Clients { get; }

    /// <summary>Bytes of links, frames and all: what came, and what was sent.</summary>
    (long Received, long Sent) LinkBytes { get; }

    /// <summary>Bytes of clients: what they sent, and what they were sent.</summary>
    (long Received, long Sent) ClientBytes { get; }

    /// <summary>Pauses of clients: those that the peers asked for, and those that they were asked for.</summary>
    (long Received, long Sent) Pauses { get; }

    /// <summary>Clients that were turned away, by reason, in a few fixed sentences.</summary>
    IReadOnlyDictionary<string, long> Refused => ReadOnlyDictionary<string, long>.Empty;

    /// <summary>Connections for devices that became no link, by reason, in a few fixed sentences.</summary>
    IReadOnlyDictionary<string, long> LinksRefused => ReadOnlyDictionary<string, long>.Empty;

    /// <summary>How often a limit struck, by limit, in a few fixed sentences.</summary>
    IReadOnlyDictionary<string, long> Limited => ReadOnlyDictionary<string, long>.Empty;

    /// <summary>Datagrams that were dropped, by reason, in a few fixed sentences.</summary>
    IReadOnlyDictionary<string, long> DatagramsDropped => ReadOnlyDictionary<string, long>.Empty;

    /// <summary>Relays of a fleet as this one sees them, by where they stand; none where there is no fleet.</summary>
    IReadOnlyDictionary<string, long> FleetRelays => ReadOnlyDictionary<string, long>.Empty;

    /// <summary>Links that take clients to other relays of a fleet, and the clients on them; null where there is no fleet.</summary>
    (int Links, int Clients)? Peers => null;

    /// <summary>Lines of the access log that could not be written; null where there is no log.</summary>
    long? LogLinesDropped => null;
}
