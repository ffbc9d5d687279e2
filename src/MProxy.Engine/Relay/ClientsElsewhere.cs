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

    /// <summary>A relay tells of so many addresses with many new clients at most.</summary>
    private const int MaxNewPerRelay = 1_000;

    /// <summary>All of them together take up so much of what is noted each time.</summary>
    private const int MaxNew = 10_000;

    /// <summary>Relays do not beat in step: so many beats of another may come between two of this one.</summary>
    private const int MaxSaid = 3;

    private readonly Dictionary<string, long> _heard = new(StringComparer.Ordinal);
    private volatile Dictionary<string, int> _addresses = [];
    private volatile Dictionary<string, int> _devices = [];
    private NewClients[] _said = [];
    private long _number;

    /// <summary>What other relays say.</summary>
    public void Take(IReadOnlyCollection<FleetNode> others)
    {
        Dictionary<string, int> addresses = [], devices = [];
        var room = MaxNew;
        foreach (var node in others)
        {
            Add(addresses, node.Addresses);
            Add(devices, node.Devices);
            room -= Charge(node, others.Count, room);
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

    /// <summary>What came in since this was last asked, and the times before, for others to take from what they let in.</summary>
    public IReadOnlyList<NewClients> SayNewClients()
    {
        var least = settings.Limits.MaxNewClientsPerAddress is > 0 and var most ? Math.Max(1, most / Part) : int.MaxValue;
        var latest = new NewClients(++_number, admission.TakeNew(least, MaxNewPerRelay));
        return _said = [.. _said.TakeLast(MaxSaid - 1), latest];
    }

    /// <summary>Once for what a relay says, however often it is seen.</summary>
    /// <returns>Of how many addresses.</returns>
    private int Charge(FleetNode node, int others, int room)
    {
        if (node.NewClients.Count == 0)
        {
            return 0;
        }

        // One that counts from less than before has been started anew.
        var heard = _heard.GetValueOrDefault(node.Name);
        heard = node.NewClients[^1].Number < heard ? 0 : heard;
        _heard[node.Name] = node.NewClients[^1].Number;
        var charged = 0;
        foreach (var (text, count) in node.NewClients.TakeLast(MaxSaid).Where(one => one.Number > heard).SelectMany(one => one.OfAddress.Take(MaxNewPerRelay)).Take(room))
        {
            charged++;
            if (AddressKey.TryParse(text, out var key))
            {
                admission.Charge(key, Math.Max(0, count), others);
            }
        }

        return charged;
    }

    private static void Add(Dictionary<string, int> sums, IReadOnlyDictionary<string, int>? counts)
    {
        foreach (var (key, count) in counts ?? new Dictionary<string, int>())
        {
            sums[key] = sums.GetValueOrDefault(key) + Math.Max(0, count);
        }
    }
}
