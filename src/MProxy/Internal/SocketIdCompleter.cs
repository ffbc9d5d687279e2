using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes the identities of the clients there are. In quotes: a comma makes a list of what stands without.</summary>
internal sealed class SocketIdCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        return Connections.All.Where(connection => connection.SocketId.StartsWith(word, StringComparison.OrdinalIgnoreCase))
            .DistinctBy(connection => connection.SocketId)
            .Select(connection => new CompletionResult(
                $"'{connection.SocketId}'", connection.SocketId, CompletionResultType.ParameterValue, $"{connection.Service} {connection.Name}".Trim() + $", {connection.State}"));
    }
}
