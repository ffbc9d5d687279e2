using MProxy.Protocol;

namespace MProxy.Engine.Tokens;

/// <summary>What a grant covers. Routing and authorisation both ask here, so that they never read a name in two ways.</summary>
internal static class GrantRules
{
    /// <summary>True where a device with this grant may have a client: by its name where it has one, else by the port it came to.</summary>
    public static bool Allows(this Grant grant, in FrameMeta client)
    {
        if (grant.IsUnrestricted)
        {
            return true;
        }

        return string.IsNullOrEmpty(client.Name)
            ? client.ServicePort is { } port && grant.Ports.Contains(port)
            : grant.Covers(client.Name);
    }

    /// <summary>True for a domain of the grant itself, and for what is below a wildcard of it.</summary>
    public static bool Covers(this Grant grant, string name)
    {
        foreach (var domain in grant.Domains)
        {
            if (domain.StartsWith("*.", StringComparison.Ordinal)
                ? name.Length > domain.Length - 1 && name.EndsWith(domain[1..], StringComparison.OrdinalIgnoreCase)
                : name.Equals(domain, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
