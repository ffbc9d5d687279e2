using MProxy.Engine.Fleet;

namespace MProxy.Engine.Relay;

/// <summary>
/// What makes a limit hold in a whole fleet: relays tell each other which addresses and devices have many clients, or many new ones, and each counts those of
/// the others in. What has few is not told of, so that a limit may be passed by a part of it, and by what comes within a beat or two.
/// </summary>
/// <param name="settings">The limits.</param>
/// <param name="admission">Who has clients here.</param>
/// <param name="registry">Which devices have.</param>
internal sealed class ClientsElsewhere(RelaySettings settings, ClientAdmission admission, LinkRegistry registry)
{
    /// <summary>What has this part of its limit is told of.</summary>
    private const int Part = 16;

    /// <summary>One relay takes up so much of what is noted at most.</summary>
    private const int MaxNewPerRelay = 1_000;

    private readonly Dictionary<string, long> _heard = new(StringComparer.Ordinal);
    private volatile Dictionary<string, int> _addresses = [];
    private volatile Dictionary<string, int> _devices = [];

    /// <summary>What other relays say.</summary>
    public void Take(IReadOnlyCollection<FleetNode> others)
    {
        Dictionary<string, int> addresses = [], devices = [];
        foreach (var node in others)
        {
            Add(addresses, node.Addresses);
            Add(devices, node.Devices);
            Charge(node);
        }

        (_addresses, _devices) = (addresses, devices);
        foreach (var gone in _heard.Keys.Except(others.Select(node => node.Name)).ToArray())
        {
            _heard.Remove(gone);
        }
    }

    /// <summary>How many clients an address has at other relays.</summary>
    public int OfAddress(in AddressKey key) => _addresses is { Count: > 0 } addresses ? addresses.GetValueOrDefault(key.ToText()) : 0;

    /// <summary>How many clients a device has at other relays, known by the ids of its tokens.</summary>
    public int OfDevice(IEnumerable<string> ids) => _devices is { Count: > 0 } devices ? ids.Sum(id => devices.GetValueOrDefault(id)) : 0;

    /// <summary>The addresses that others are to count in.</summary>
    public IReadOnlyDictionary<string, int> AddressesHere() => admission.Crowded(Math.Max(1, settings.Limits.MaxClientsPerAddress / Part));

    /// <summary>The devices that others are to count in.</summary>
    public IReadOnlyDictionary<string, int> DevicesHere()
    {
        var least = Math.Max(1, settings.Limits.MaxClientsPerDevice / Part);
        Dictionary<string, int> devices = new(StringComparer.Ordinal);
        foreach (var link in registry.Links)
        {
            if (link.Connection.ClientCount is var count && count >= least && link.Ids.FirstOrDefault() is { } id)
            {
                devices[id] = devices.GetValueOrDefault(id) + count;
            }
        }

        return devices;
    }

    /// <summary>What came in since this was last asked, for others to take from what they let in.</summary>
    public IReadOnlyDictionary<string, int> NewClientsHere() => admission.TakeNew(settings.Limits.MaxNewClientsPerAddress is > 0 and var most ? Math.Max(1, most / Part) : int.MaxValue);

    /// <summary>Once for what a relay says, however often it is seen. What one says while this relay does not look is lost.</summary>
    private void Charge(FleetNode node)
    {
        if (_heard.TryGetValue(node.Name, out var number) && number == node.NewClientsNumber)
        {
            return;
        }

        _heard[node.Name] = node.NewClientsNumber;
        foreach (var (text, count) in node.NewClients.Take(MaxNewPerRelay))
        {
            if (AddressKey.TryParse(text, out var key))
            {
                admission.Charge(key, Math.Max(0, count));
            }
        }
    }

    private static void Add(Dictionary<string, int> sums, IReadOnlyDictionary<string, int>? counts)
    {
        foreach (var (key, count) in counts ?? new Dictionary<string, int>())
        {
            sums[key] = sums.GetValueOrDefault(key) + Math.Max(0, count);
        }
    }
}
