using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes the names of the relays, links or tunnels there are, by the cmdlet.</summary>
internal sealed class SessionNameCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        var names = commandName.ToUpperInvariant() switch
        {
            "DISCONNECT-MPROXYRELAY" => Sessions.Links.All.Select(entry => entry.Key),
            var name when name.EndsWith("RELAY", StringComparison.Ordinal) => Sessions.Relays.All.Select(entry => entry.Key),
            _ => Sessions.Tunnels.All.Select(entry => entry.Key),
        };
        return names.Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Select(name =>
            new CompletionResult(name.Contains(' ', StringComparison.Ordinal) ? $"'{name}'" : name, name, CompletionResultType.ParameterValue, name));
    }
}
