namespace MProxy.Engine.Carriers;

/// <summary>A certificate file that cannot be used. The message never holds a password or key.</summary>
public sealed class CertificateException : Exception
{
    /// <summary>Says which file, and why.</summary>
    public CertificateException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
