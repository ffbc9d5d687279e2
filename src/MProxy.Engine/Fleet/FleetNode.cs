using System.Text.Json;

namespace MProxy.Engine.Fleet;

/// <summary>What one relay of a fleet says of itself.</summary>
public sealed record FleetNode
{
    /// <summary>Its name in the fleet.</summary>
    public required string Name { get; init; }

    /// <summary>Tells the relay from an earlier one of its name, or from itself before a pause; the higher, the later. 0 before it has one.</summary>
    public long Generation { get; init; }

    /// <summary>Where other relays reach it: <c>tls://192.0.2.1:7443</c>.</summary>
    public string Peer { get; init; } = "";

    /// <summary>The version of its software.</summary>
    public string Version { get; init; } = "";

    /// <summary>How many devices are connected.</summary>
    public int Links { get; init; }

    /// <summary>How many clients it has brought to devices, its own or another's.</summary>
    public int Clients { get; init; }

    /// <summary>The ports of TCP that its devices hold by their tokens, as <c>8022,9000-9099</c>: others open them too.</summary>
    public string TcpPorts { get; init; } = "";

    /// <summary>The same for UDP.</summary>
    public string UdpPorts { get; init; } = "";

    /// <summary>The ports of TCP that it gives away: tokens may ask for them at others too.</summary>
    public string GivenTcpPorts { get; init; } = "";

    /// <summary>The same for UDP.</summary>
    public string GivenUdpPorts { get; init; } = "";

    /// <summary>The addresses that have so many clients here that it counts elsewhere, each with how many.</summary>
    public IReadOnlyDictionary<string, int> Addresses { get; init; } = new Dictionary<string, int>();

    /// <summary>The devices that do, by the ids of their tokens.</summary>
    public IReadOnlyDictionary<string, int> Devices { get; init; } = new Dictionary<string, int>();

    /// <summary>The new clients of its last beats, so that who misses one hears of it with the next.</summary>
    public IReadOnlyList<NewClients> NewClients { get; init; } = [];

    /// <summary>It takes no new clients.</summary>
    public bool IsDraining { get; init; }

    /// <summary>The same as text, but for name and generation, which directories keep apart.</summary>
    public string ToText() => JsonSerializer.Serialize(this with { Name = "", Generation = 0 });

    /// <summary>Reads that.</summary>
    /// <returns>Null where it is none.</returns>
    public static FleetNode? TryRead(string name, long generation, string text)
    {
        try
        {
            // Another process has written it: what is missing there is nothing here.
            return JsonSerializer.Deserialize<FleetNode>(text) is { } node
                ? node with
                {
                    Name = name,
                    Generation = generation,
                    Peer = node.Peer ?? "",
                    Version = node.Version ?? "",
                    Addresses = node.Addresses ?? new Dictionary<string, int>(),
                    Devices = node.Devices ?? new Dictionary<string, int>(),
                    NewClients = [.. (node.NewClients ?? []).Where(one => one?.OfAddress is not null)],
                }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
