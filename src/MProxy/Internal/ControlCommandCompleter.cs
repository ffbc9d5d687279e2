using System.Management.Automation;
using MProxy.Engine.Device;

namespace MProxy.Internal;

/// <summary>Completes the commands that the link's relay says it knows, else those of the protocol.</summary>
internal sealed class ControlCommandCompleter : WordCompleter
{
    private static readonly string[] Known = ["add_token", "check_token", "delete_token", "drain", "ping", "services"];

    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word)
    {
        var commands = PSValue.Unwrap(place.Bound["Session"]) is DeviceLink { Commands.Count: > 0 } link ? link.Commands : Known;
        return commands.Select(name => Completion(name));
    }
}
