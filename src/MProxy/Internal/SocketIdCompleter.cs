using System.Collections;
using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Completes the identities of the clients there are. In quotes: a comma makes a list of what stands without.</summary>
internal sealed class SocketIdCompleter : WordCompleter
{
    protected override IEnumerable<CompletionResult> Offer(string command, string word, IDictionary bound)
    {
        return Connections.All
            .DistinctBy(connection => connection.SocketId)
            .Select(connection => new CompletionResult(
                $"'{connection.SocketId}'", connection.SocketId, CompletionResultType.ParameterValue, $"{connection.Service} {connection.Name}".Trim() + $", {connection.State}"));
    }
}
