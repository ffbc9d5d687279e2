using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes the service names that the protocol's description gives, and those in wide use.</summary>
internal sealed class ServiceCompleter : IArgumentCompleter
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

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        return Services.Where(service => service.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase))
            .Select(service => new CompletionResult(service.Name, service.Name, CompletionResultType.ParameterValue, service.About));
    }
}
