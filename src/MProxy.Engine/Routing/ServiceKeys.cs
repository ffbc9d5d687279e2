using System.Globalization;
using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Routing;

/// <summary>How the services of a device are named, and in which order a client asks for them.</summary>
internal static class ServiceKeys
{
    /// <summary>
    /// The one spelling of a key. A dot, a colon or a letter beyond ASCII is in names and addresses alone; other keys may be a service's as
    /// well. Null for what is written like a name and is none.
    /// </summary>
    public static string? TryFold(string key) => IsLikeName(key) ? ServerName.TryFoldPattern(key) : key;

    /// <summary>What a client is looked for under: its name, each <c>*.name</c> that it is below of, the longest first, its service port, its service, then <c>*</c>.</summary>
    public static IReadOnlyList<string> Of(in FrameMeta client)
    {
        List<string> keys = [];
        AddNames(keys, client.Name);
        if (client.ServicePort is { } port)
        {
            keys.Add(port.ToString(CultureInfo.InvariantCulture));
        }

        // One that is written like a name would be another way to ask for a name or for all below it.
        if (!string.IsNullOrEmpty(client.Service) && !IsLikeName(client.Service))
        {
            keys.Add(client.Service);
        }

        if (OtherName(client.Service) is { } other)
        {
            keys.Add(other);
        }

        keys.Add("*");
        return keys;
    }

    private static bool IsLikeName(string key) => key.Any(letter => letter is '.' or ':' || !char.IsAscii(letter));

    /// <summary>A client of TLS is one of <c>https</c> where its name led it here, as relays have always called it, and of <c>tls</c> in general.</summary>
    private static string? OtherName(string? service) => service switch
    {
        ClientService.Https => ClientService.Tls,
        ClientService.Tls => ClientService.Https,
        ClientService.DnsOverTcp => ClientService.Dns,
        _ => null,
    };

    private static void AddNames(List<string> keys, string? name)
    {
        // One without a dot could be the key of a service, which no client may choose.
        if (string.IsNullOrEmpty(name) || ServerName.TryFold(name) is not { } folded || !folded.AsSpan().ContainsAny('.', ':'))
        {
            return;
        }

        keys.Add(folded);
        for (var dot = folded.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = folded.IndexOf('.', dot + 1))
        {
            keys.Add($"*{folded.AsSpan(dot)}");
        }
    }
}
