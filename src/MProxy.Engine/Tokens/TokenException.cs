namespace MProxy.Engine.Tokens;

/// <summary>A token or key that cannot be used. The message never holds either.</summary>
public sealed class TokenException : Exception
{
    /// <summary>Says why.</summary>
    public TokenException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
