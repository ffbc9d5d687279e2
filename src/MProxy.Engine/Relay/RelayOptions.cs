using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;

namespace MProxy.Engine.Relay;

/// <summary>What a relay does.</summary>
public sealed record RelayOptions
{
    /// <summary>Its name in this session.</summary>
    public required string Name { get; init; }

    /// <summary>Where devices come in.</summary>
    public required IReadOnlyList<CarrierUri> Listen { get; init; }

    /// <summary>Ports for clients of raw TCP, 0 to 65535; 0 lets the system choose.</summary>
    public IReadOnlyList<int> TcpPort { get; init; } = [];

    /// <summary>The address that the client ports are opened on.</summary>
    public IPAddress PublicAddress { get; init; } = IPAddress.Loopback;

    /// <summary>The bounds of every link.</summary>
    public LinkOptions Link { get; init; } = new();
}
