using MProxy.Engine.Carriers;

namespace MProxy.Internal;

/// <summary>What is warned of in more than one place.</summary>
internal static class Risks
{
    public const string UncheckedService = "The certificates of local services are not checked: whoever is between them and this machine can read along.";
    public const string AnyTrustedCertificate = "Whoever has a client certificate that this machine trusts may be a device, and public authorities give them to everybody: say whose with -ClientThumbprint, or give a secret or public key.";

    /// <summary>A relay that others reach lets them in by any trusted certificate, and asks for nothing else.</summary>
    public static bool AdmitsAnyTrusted(IEnumerable<CarrierUri> listen, bool hasKeys, bool requiresCertificate, int pinCount) =>
        requiresCertificate && pinCount == 0 && !hasKeys && listen.Any(uri => !uri.IsLocalOnly);
}
