using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Completes the service names that the protocol's description gives, and those in wide use.</summary>
internal sealed class ServiceCompleter : WordCompleter
{
    private static readonly (string Name, string About)[] Services =
    [
        ("http", "HTTP/1.x, routed by Host"),
        ("https", "HTTP over TLS, routed by server name"),
        ("tls", "any service over TLS, routed by server name"),
        ("tcp", "any TCP service, by port"),
        ("udp", "any UDP service, one datagram a frame"),
        ("ssh", "Secure Shell, by port"),
        ("smtp", "mail, by port"),
        ("dns", "DNS, by question name"),
    ];

    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word) =>
        Services.Select(service => Completion(service.Name, service.About));
}
