namespace MProxy.Engine.Capture;

/// <summary>A capture that cannot be started or go on.</summary>
public sealed class CaptureException : IOException
{
    /// <summary>Says which, and why.</summary>
    public CaptureException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
