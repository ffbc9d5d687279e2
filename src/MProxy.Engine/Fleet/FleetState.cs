namespace MProxy;

/// <summary>Where a relay of a fleet stands.</summary>
public enum FleetState
{
    /// <summary>It takes clients.</summary>
    Up,

    /// <summary>It takes no new clients; those there are may finish.</summary>
    Draining,

    /// <summary>Nothing is heard of it.</summary>
    Lost,
}
