namespace MProxy.Engine.Carriers;

/// <summary>A key log that cannot be had.</summary>
public sealed class KeyLogException : IOException
{
    /// <summary>Says why.</summary>
    public KeyLogException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
