namespace MProxy.Engine.Device;

/// <summary>Where a device's link stands.</summary>
public enum LinkState
{
    /// <summary>Dials for the first time.</summary>
    Connecting,

    /// <summary>Waits for an address of the relay's name that no other link of the tunnel has.</summary>
    Waiting,

    /// <summary>Both sides have greeted, and the tokens were accepted.</summary>
    Connected,

    /// <summary>Lost, and dialled again with growing, random delays.</summary>
    Reconnecting,

    /// <summary>No new clients come; those there are may finish.</summary>
    Draining,

    /// <summary>The relay refused for good: the token does not hold.</summary>
    Refused,

    /// <summary>Ended.</summary>
    Stopped,
}
