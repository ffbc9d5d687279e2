namespace MProxy.Engine.Relay;

/// <summary>Which of several devices gets a client that all of them may serve.</summary>
public enum RelayBalance
{
    /// <summary>The one that has waited longest for a client of that name or port.</summary>
    RoundRobin,

    /// <summary>The one with the fewest clients; among equals, the one that has waited longest.</summary>
    LeastConnections,

    /// <summary>The same one for all clients of an IP address, as long as it is there. Others stay where they are when a device comes or goes.</summary>
    ClientAddress,
}
