namespace MProxy.Engine.Tests.Simulation;

/// <summary>How an end of a client takes what comes.</summary>
internal enum Appetite
{
    /// <summary>All at once.</summary>
    Greedy,

    /// <summary>A little now and then.</summary>
    Slow,

    /// <summary>Nothing, until nothing else moves any more.</summary>
    Stalled,
}
