using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>Completes the commands that the link's relay says it knows, else those of the protocol.</summary>
internal sealed class ControlCommandCompleter : IArgumentCompleter
{
    private static readonly string[] Known = ["add_token", "check_token", "delete_token", "drain", "ping", "services"];

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        var commands = PSValue.Unwrap(fakeBoundParameters["Session"]) is DeviceLink { Commands.Count: > 0 } link ? link.Commands : Known;
        return commands.Where(command => command.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Select(command => new CompletionResult(command));
    }
}
