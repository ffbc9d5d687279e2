using MProxy.Engine.Tokens;

namespace MProxy.Tokens;

/// <summary>Writes the claims of a grant, by the rules they are read with: what a token says must hold where it arrives.</summary>
internal static class ClaimWriter
{
    /// <exception cref="TokenException">The grant is none that a token can hold.</exception>
    public static Dictionary<string, object> Write(Grant grant)
    {
        if (grant.IsUnrestricted)
        {
            throw new TokenException("A token names what it allows: it cannot allow everything.");
        }

        var claims = new Dictionary<string, object>(StringComparer.Ordinal);
        if (grant.Id.Length > 0)
        {
            claims["id"] = ClaimReader.IsId(grant.Id)
                ? grant.Id
                : throw new TokenException($"The identity is longer than {ClaimReader.MaxIdLength} characters or has control characters.");
        }

        if (grant.Domains.Count > 0)
        {
            claims["domains"] = Limited(grant.Domains, ClaimReader.MaxDomains, "names").ToArray();
        }

        AddPorts(claims, "ports", grant.Ports);
        AddPorts(claims, "udp_ports", grant.UdpPorts);
        return claims;
    }

    private static void AddPorts(Dictionary<string, object> claims, string name, IReadOnlyList<int> ports)
    {
        if (ports.Count > 0)
        {
            claims[name] = Limited(ports, ClaimReader.MaxPorts, "ports")
                .Select(port => ClaimReader.IsPort(port) ? port : throw new TokenException($"A port is 0 to 65535, and {port} is none."))
                .ToArray();
        }
    }

    private static IReadOnlyList<T> Limited<T>(IReadOnlyList<T> values, int most, string what) => values.Count <= most
        ? values
        : throw new TokenException($"A token holds at most {most} {what}, and these are {values.Count}.");
}
