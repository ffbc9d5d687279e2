using System.Management.Automation;

namespace MProxy.Internal;

/// <summary>Completes the names of the relays, links or tunnels there are, by the cmdlet.</summary>
internal sealed class SessionNameCompleter : WordCompleter
{
    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word)
    {
        var names = place.Command.ToUpperInvariant() switch
        {
            "DISCONNECT-MPROXYRELAY" or "GET-MPROXYLINK" => Sessions.Links.All.Select(entry => entry.Key),
            var name when name.EndsWith("RELAY", StringComparison.Ordinal) => Sessions.Relays.All.Select(entry => entry.Key),
            _ => Sessions.Tunnels.All.Select(entry => entry.Key),
        };
        return names.Select(name => Completion(name));
    }
}
