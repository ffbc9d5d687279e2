using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Completes how all services are probed.</summary>
internal sealed class HealthCheckCompleter : WordCompleter
{
    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word) =>
    [
        Completion("tcp", "every service accepts connections"),
        Completion("http:/", "every service answers GET / with a status below 400"),
    ];
}
