namespace MProxy.Engine.Access;

/// <summary>An access log that cannot be opened.</summary>
public sealed class AccessLogException : IOException
{
    /// <summary>Says which, and why.</summary>
    public AccessLogException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
