namespace MProxy.Engine.Isolation;

/// <summary>A part that is kept apart is not where it must be, or cannot be loaded.</summary>
/// <param name="message">Which file, and what is wrong with it.</param>
/// <param name="inner">What brought it about.</param>
internal sealed class IsolatedPartException(string message, Exception? inner = null) : Exception(message, inner);
