using MProxy.Engine.Link;
using MProxy.Engine.Routing;
using MProxy.Protocol;

namespace MProxy.Engine.Tokens;

/// <summary>What a grant covers. Routing and authorisation both ask here, so that they never read a name in two ways.</summary>
internal static class GrantRules
{
    /// <summary>True where a device with this grant may have a client.</summary>
    public static bool Allows(this Grant grant, in FrameMeta client, bool nameCoversSubdomains) =>
        grant.Match(NameOf(client), client, nameCoversSubdomains) is not null;

    /// <summary>A client's name, folded: null where it has none, and empty where it has one that nobody can be granted.</summary>
    public static string? NameOf(in FrameMeta client) => string.IsNullOrEmpty(client.Name) ? null : ServerName.TryFold(client.Name) ?? "";

    /// <summary>How closely a grant names a client: by its name where it has one, else by the port it came to.</summary>
    /// <returns>The higher, the closer; null where the grant does not cover it.</returns>
    public static int? Match(this Grant grant, string? foldedName, in FrameMeta client, bool nameCoversSubdomains)
    {
        if (foldedName is not null)
        {
            return grant.Match(foldedName, nameCoversSubdomains);
        }

        var ports = ClientService.IsDatagram(client.Service) ? grant.UdpPorts : grant.Ports;
        return client.ServicePort is { } port && ports.Contains(port) ? 1 : grant.IsUnrestricted ? 0 : null;
    }

    /// <summary>
    /// How closely a grant names a host: the length of the part that a domain of the grant spells out. So the very name comes first, and then the
    /// longest name that it is below of.
    /// </summary>
    /// <param name="grant">The grant.</param>
    /// <param name="foldedName">The host, as <see cref="ServerName"/> folds it.</param>
    /// <param name="nameCoversSubdomains">A domain without a wildcard stands for everything below it too.</param>
    /// <returns>The higher, the closer; null where the grant does not cover it.</returns>
    public static int? Match(this Grant grant, string foldedName, bool nameCoversSubdomains)
    {
        int? best = grant.IsUnrestricted ? 0 : null;
        foreach (var domain in grant.Domains)
        {
            var isWildcard = domain.StartsWith(ServerName.Wildcard, StringComparison.Ordinal);
            var spelled = isWildcard ? domain.AsSpan(ServerName.Wildcard.Length) : domain;
            if (IsIn(spelled, foldedName, isWildcard, isWildcard || nameCoversSubdomains) && !(best >= spelled.Length))
            {
                best = spelled.Length;
            }
        }

        return best;
    }

    private static bool IsIn(ReadOnlySpan<char> spelled, string name, bool isWildcard, bool coversBelow)
    {
        if (spelled.Length >= name.Length)
        {
            return !isWildcard && spelled.SequenceEqual(name);
        }

        return coversBelow && name[^(spelled.Length + 1)] == '.' && name.AsSpan().EndsWith(spelled, StringComparison.Ordinal);
    }
}
