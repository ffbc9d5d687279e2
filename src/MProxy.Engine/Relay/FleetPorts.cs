using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Fleet;

namespace MProxy.Engine.Relay;

/// <summary>
/// The ports of tokens, fleet-wide: each is open at every relay that gives it away, as long as a device anywhere holds it. A relay that chooses one for a
/// device takes it from its own share of those, so that no two choose the same without asking each other.
/// </summary>
/// <param name="options">The relay's name, and what it gives away.</param>
/// <param name="member">What other relays hold and give away.</param>
/// <param name="routes">What this relay tells others.</param>
/// <param name="ports">The ports of this relay.</param>
/// <param name="failed">Told once of each that cannot be opened.</param>
internal sealed class FleetPorts(RelayOptions options, FleetMember member, RouteCounts routes, ClientPorts ports, Action<string> failed)
{
    private readonly HashSet<(bool IsUdp, int Port)> _held = [];
    private readonly HashSet<(bool IsUdp, int Port)> _failed = [];

    private string Self => options.Fleet!.NodeName;

    /// <summary>Another relay gives the port away, so that a token may ask for it here.</summary>
    public bool IsGivenElsewhere(int port, bool isUdp) => Others().Any(node => PortRanges.Read(isUdp ? node.GivenUdpPorts : node.GivenTcpPorts).Contains(port));

    /// <summary>Puts free ports into the order to choose from: what others hold is left out, and this relay's own share comes first.</summary>
    public IEnumerable<int> Choose(bool isUdp, IEnumerable<int> free)
    {
        FleetNode[] others = [.. Others()];
        HashSet<int> held = [.. others.SelectMany(node => PortRanges.Read(isUdp ? node.UdpPorts : node.TcpPorts))];
        List<int> ofOthers = [];
        foreach (var port in free.Where(port => !held.Contains(port)))
        {
            var own = Weight(Self, port);
            if (Array.TrueForAll(others, node => Weight(node.Name, port) < own))
            {
                yield return port;
            }
            else
            {
                ofOthers.Add(port);
            }
        }

        foreach (var port in ofOthers)
        {
            yield return port;
        }
    }

    /// <summary>Opens what others hold, and closes what they hold no more. One at a time.</summary>
    public void Follow()
    {
        var others = Others().ToList();
        HashSet<(bool IsUdp, int Port)> wanted =
        [
            .. others.SelectMany(node => PortRanges.Read(node.TcpPorts)).Intersect(options.GrantedPort).Select(port => (false, port)),
            .. others.SelectMany(node => PortRanges.Read(node.UdpPorts)).Intersect(options.GrantedUdpPort).Select(port => (true, port)),
        ];
        foreach (var gone in _held.Except(wanted).ToList())
        {
            _held.Remove(gone);
            ports.Release(gone.Port, gone.IsUdp);
        }

        _failed.IntersectWith(wanted);
        foreach (var (isUdp, port) in wanted.Except(_held).ToList())
        {
            if (ports.TryAcquire(port, isUdp, out var refusal) is not null)
            {
                _held.Add((isUdp, port));
                _failed.Remove((isUdp, port));
            }
            else if (_failed.Add((isUdp, port)))
            {
                failed($"The {(isUdp ? "UDP " : "")}port of a device at another relay is not open here: {refusal}.");
            }
        }

        // One that this relay has chosen, while an earlier one had it: its own clients alone find it, so that no client of a third goes to the wrong one.
        routes.Withhold([.. ports.Chosen.Where(chosen => others.Exists(node =>
            node.Generation < member.Generation && PortRanges.Read(chosen.IsUdp ? node.UdpPorts : node.TcpPorts).Contains(chosen.Port)))]);
    }

    private IEnumerable<FleetNode> Others() => member.Nodes.Where(entry => entry.IsThere && entry.Node.Name != Self).Select(entry => entry.Node);

    /// <summary>Rendezvous hashing: whichever relays there are, each port is of one of them.</summary>
    private static ulong Weight(string node, int port) => BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{port} {node}")));
}
