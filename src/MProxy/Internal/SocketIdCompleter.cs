using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Completes the identities of the clients there are. In quotes: a comma makes a list of what stands without.</summary>
internal sealed class SocketIdCompleter : WordCompleter
{
    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word)
    {
        return Connections.All
            .DistinctBy(connection => connection.SocketId)
            .Select(connection => Completion(connection.SocketId, Display.Plain($"{connection.Service} {connection.Name}".Trim() + $", {connection.State}")));
    }
}
