namespace MProxy.Engine.Device;

/// <summary>A service in this process has failed at a client. Its message is why, as the end of a sentence.</summary>
internal sealed class ServiceFailedException(string message, Exception inner) : Exception(message, inner);
