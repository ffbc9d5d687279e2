namespace MProxy.Engine.Link;

/// <summary>A link could not be made, or cannot go on.</summary>
public sealed class LinkException : IOException
{
    /// <summary>Says why.</summary>
    public LinkException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
