using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes the names of the relays or tunnels there are, by the noun of the cmdlet.</summary>
internal sealed class SessionNameCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        var names = commandName.EndsWith("Relay", StringComparison.OrdinalIgnoreCase)
            ? Sessions.Relays.All.Select(entry => entry.Key)
            : Sessions.Tunnels.All.Select(entry => entry.Key);
        return names.Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Select(name =>
            new CompletionResult(name.Contains(' ', StringComparison.Ordinal) ? $"'{name}'" : name, name, CompletionResultType.ParameterValue, name));
    }
}
