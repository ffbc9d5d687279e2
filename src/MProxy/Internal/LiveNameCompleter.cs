using System.Management.Automation;
using MProxy.Engine.Health;

namespace MProxy.Internal;

/// <summary>Completes names of what goes on in this session: services and names to drain or to restore, and what clients asked for and are served by.</summary>
internal sealed class LiveNameCompleter : WordCompleter
{
    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word)
    {
        var texts = place.Parameter.ToUpperInvariant() switch
        {
            "DRAINSERVICE" => Services(place, isDraining: false),
            "RESTORESERVICE" => Services(place, isDraining: true),
            "DRAINNAME" => Relays(place).SelectMany(NamesOf),
            "RESTORENAME" => Relays(place).SelectMany(relay => relay.DrainedName),
            "DEVICE" => Connections.All.Select(connection => connection.Device),
            _ => Connections.All.Select(connection => connection.Name),
        };
        return texts.Where(text => text.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase).Select(text => Completion(text));
    }

    private static IEnumerable<RelayJob> Relays(CompletionPlace place) => Sessions.Relays.All.Where(entry => place.IsNamed(entry.Key)).Select(entry => entry.Value);

    private static IEnumerable<string> NamesOf(RelayJob relay) =>
        relay.GrantedName.Concat(relay.OpenPort.Concat(relay.OpenUdpPort).Select(port => $"{port}")).Except(relay.DrainedName);

    private static IEnumerable<string> Services(CompletionPlace place, bool isDraining) => Sessions.Tunnels.All
        .Where(entry => place.IsNamed(entry.Key))
        .SelectMany(entry => entry.Value.Services)
        .Where(service => (service.State == ServiceState.Draining) == isDraining)
        .Select(service => service.Key);
}
