using System.Globalization;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Fleet;

/// <summary>Under which keys of the directory stands who serves what, and which of them are asked for a client.</summary>
internal static class RouteKeys
{
    /// <summary>Links that serve whatever comes.</summary>
    public const string Any = "*";

    /// <summary>A client writes its name: of one with more parts, what it could be below of is asked for the last so many alone.</summary>
    private const int MaxParents = 12;

    /// <summary>The keys of a grant, each once for the very name or port, and once for what is below.</summary>
    public static IEnumerable<(string Key, bool IsBelow)> Of(Grant grant, bool nameCoversSubdomains)
    {
        if (grant.IsUnrestricted)
        {
            // Its ports are those of its relay, whose numbers mean nothing elsewhere.
            return [(Any, false)];
        }

        return grant.Domains.SelectMany<string, (string, bool)>(domain =>
                domain.StartsWith(ServerName.Wildcard, StringComparison.Ordinal) ? [(OfName(domain[ServerName.Wildcard.Length..]), true)]
                : nameCoversSubdomains ? [(OfName(domain), false), (OfName(domain), true)]
                : [(OfName(domain), false)])
            .Concat(grant.Ports.Select(port => (OfPort(port, isUdp: false), false)))
            .Concat(grant.UdpPorts.Select(port => (OfPort(port, isUdp: true), false)))
            .Distinct();
    }

    /// <summary>The keys to ask for a client, the closest first, with how closely each names it as <see cref="GrantRules"/> counts.</summary>
    public static List<(string Key, bool IsBelow, int Closeness)> Of(in FrameMeta client)
    {
        List<(string, bool, int)> keys = [];
        if (GrantRules.NameOf(client) is not { } name)
        {
            if (client.ServicePort is { } port)
            {
                keys.Add((OfPort(port, ClientService.IsDatagram(client.Service)), false, 1));
            }
        }
        else if (name.Length > 0)
        {
            keys.Add((OfName(name), false, name.Length));
            List<string> parents = [];
            for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
            {
                parents.Add(name[(dot + 1)..]);
            }

            keys.AddRange(parents.TakeLast(MaxParents).Select(parent => (OfName(parent), true, parent.Length)));
        }

        keys.Add((Any, false, 0));
        return keys;
    }

    /// <summary>The port that a key is of; null for any other.</summary>
    public static (bool IsUdp, int Port)? PortOf(string key) =>
        key is ['t' or 'u', ':', .. var number] ? (key[0] == 'u', int.Parse(number, CultureInfo.InvariantCulture)) : null;

    private static string OfName(string name) => $"n:{name}";

    /// <summary>The key of a port.</summary>
    public static string OfPort(int port, bool isUdp) => string.Create(CultureInfo.InvariantCulture, $"{(isUdp ? 'u' : 't')}:{port}");
}
