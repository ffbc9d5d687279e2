using System.Security.Authentication;

namespace MProxy.Engine.Carriers;

/// <summary>The versions of TLS that are spoken, on links and with local services alike.</summary>
internal static class TlsVersions
{
    public const SslProtocols Spoken = SslProtocols.Tls12 | SslProtocols.Tls13;
}
