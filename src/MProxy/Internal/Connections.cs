using MProxy.Engine;

namespace MProxy.Internal;

/// <summary>The clients on all links of this session, at each end that is here.</summary>
internal static class Connections
{
    public static IEnumerable<ClientConnection> All
    {
        get
        {
            var tunnels = Sessions.Tunnels.All.Select(entry => entry.Value).ToList();

            // The clients of a link that serves a tunnel are the tunnel's: they are listed once.
            var taken = tunnels.SelectMany(tunnel => tunnel.Links).ToHashSet();
            return Sessions.Relays.All.SelectMany(entry => entry.Value.Connections)
                .Concat(tunnels.SelectMany(tunnel => tunnel.Connections))
                .Concat(Sessions.Links.All.Select(entry => entry.Value).Where(link => !taken.Contains(link)).SelectMany(link => link.Connections));
        }
    }
}
