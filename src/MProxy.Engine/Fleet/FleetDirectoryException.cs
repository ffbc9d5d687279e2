namespace MProxy.Engine.Fleet;

/// <summary>The directory of a fleet cannot be reached, or does not do what it is asked.</summary>
/// <param name="message">What was wrong, without a secret.</param>
/// <param name="inner">What brought it about.</param>
public sealed class FleetDirectoryException(string message, Exception? inner = null) : Exception(message, inner);
