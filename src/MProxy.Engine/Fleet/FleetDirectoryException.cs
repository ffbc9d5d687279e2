namespace MProxy.Engine.Fleet;

/// <summary>The directory of a fleet cannot be reached, or does not do what it is asked.</summary>
/// <param name="message">What was wrong, without a secret.</param>
/// <param name="inner">What brought it about.</param>
public sealed class FleetDirectoryException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>It does not let this relay in, or is not the one that it should be: that does not pass by itself.</summary>
    public bool IsRefusal { get; init; }
}
