using System.Net;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>
/// Lets clients in by where they come from and how many there are. What it notes of an address is forgotten when its last client has left
/// and its rate has recovered, which takes two seconds at most; longer where it was used at other relays of a fleet too.
/// </summary>
internal sealed class ClientAdmission
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    private readonly RelaySettings _settings;
    private readonly TimeProvider _time;
    private readonly RateBucket _rate;
    private readonly RateBucket _datagramRate;
    private readonly Func<double> _perAddress;
    private readonly Dictionary<AddressKey, Entry> _addresses = [];
    private readonly Queue<AddressKey> _recovering = new();
    private int _count;
    private int _datagramCount;

    public ClientAdmission(RelaySettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _rate = new RateBucket(() => settings.Limits.MaxNewClientsPerSecond, Burst, time);
        _datagramRate = new RateBucket(() => settings.Limits.MaxNewClientsPerSecond, Burst, time);
        Arrivals = new WaitingRoom(() => (settings.Limits.MaxArrivals, settings.Limits.MaxClientsPerAddress));
        _perAddress = () => settings.Limits.MaxNewClientsPerAddress;
    }

    /// <summary>How many clients are in.</summary>
    public int Count
    {
        get
        {
            lock (_addresses)
            {
                return _count;
            }
        }
    }

    /// <summary>Those who are listened to before it is known what they are for.</summary>
    public WaitingRoom Arrivals { get; }

    /// <summary>How many addresses are noted. Tests bound them.</summary>
    public int AddressCount
    {
        get
        {
            lock (_addresses)
            {
                ForgetRecovered();
                return _addresses.Count;
            }
        }
    }

    /// <summary>Whether clients of an address may come at all, before one is counted or read.</summary>
    public ClientRefusal? Check(IPAddress address)
    {
        var limits = _settings.Limits;
        if (limits.AllowedClients.Count + limits.DeniedClients.Count == 0)
        {
            return null;
        }

        var plain = SocketEndPoints.Unmapped(address);
        return limits.DeniedClients.Any(network => network.Contains(plain))
            || (limits.AllowedClients.Count > 0 && !limits.AllowedClients.Any(network => network.Contains(plain)))
            ? ClientRefusal.Denied
            : null;
    }

    /// <summary>What other relays of a fleet count; null where there are none.</summary>
    public ClientsElsewhere? Elsewhere { get; set; }

    /// <summary>The addresses with so many clients at least, each with how many.</summary>
    public IReadOnlyDictionary<string, int> Crowded(int least)
    {
        lock (_addresses)
        {
            return _addresses.Where(entry => entry.Value.Count >= least).ToDictionary(entry => entry.Key.ToText(), entry => entry.Value.Count, StringComparer.Ordinal);
        }
    }

    /// <summary>The addresses that so many clients at least came from since this was last asked, each with how many.</summary>
    /// <param name="least">How many it takes.</param>
    /// <param name="most">Of so many addresses at most, those with most.</param>
    public IReadOnlyDictionary<string, int> TakeNew(int least, int most)
    {
        Dictionary<string, int> many = new(StringComparer.Ordinal);
        lock (_addresses)
        {
            foreach (var (key, entry) in _addresses)
            {
                if (entry.NewCount >= least)
                {
                    many[key.ToText()] = entry.NewCount;
                }

                entry.NewCount = 0;
            }
        }

        return many.Count <= most ? many : many.OrderByDescending(entry => entry.Value).Take(most).ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>So many new clients of an address came to one of so many other relays, which hold them to the same rate.</summary>
    public void Charge(AddressKey key, int count, int others)
    {
        lock (_addresses)
        {
            if (!_addresses.TryGetValue(key, out var entry))
            {
                entry = Note(key);
            }

            entry.Rate.Charge(count, others);
            entry.IsCharged = true;
            ForgetUnused(key);
        }
    }

    /// <summary>Counts a client in.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="isDatagram">It has no connection.</param>
    /// <param name="isGuest">Another relay has brought it, which has counted it by its address.</param>
    /// <returns>Why not; null where it is in, and <see cref="Leave"/> is to be called for it once.</returns>
    public ClientRefusal? TryEnter(IPAddress address, bool isDatagram, bool isGuest = false)
    {
        if (Check(address) is { } denied)
        {
            return denied;
        }

        var limits = _settings.Limits;
        var key = KeyOf(address, isDatagram);
        lock (_addresses)
        {
            ForgetRecovered();

            if (_count >= limits.MaxClients || (isDatagram && _datagramCount >= ClientService.DatagramShare(limits.MaxClients)))
            {
                return ClientRefusal.TooManyInAll;
            }

            if (isGuest)
            {
                _count++;
                _datagramCount += isDatagram ? 1 : 0;
                return null;
            }

            _addresses.TryGetValue(key, out var entry);
            if ((entry?.Count ?? 0) + (Elsewhere?.OfAddress(key) ?? 0) >= limits.MaxClientsPerAddress)
            {
                return ClientRefusal.TooManyOfAddress;
            }

            // Its own rate first: one address must not use up what others share.
            if (entry?.Rate.Has(1) == false)
            {
                return ClientRefusal.TooFastOfAddress;
            }

            // Noted is only who comes in: however many addresses are made up, it is no more than this rate lets through.
            if (!(isDatagram ? _datagramRate : _rate).TryTake(1))
            {
                return ClientRefusal.TooFast;
            }

            entry ??= Note(key);
            entry.Rate.TryTake(1);
            entry.Count++;
            entry.NewCount += Elsewhere is null ? 0 : 1;
            _count++;
            _datagramCount += isDatagram ? 1 : 0;
            return null;
        }
    }

    /// <summary>A client that was counted in is over.</summary>
    public void Leave(IPAddress address, bool isDatagram, bool isGuest = false)
    {
        var key = KeyOf(address, isDatagram);
        lock (_addresses)
        {
            _count--;
            _datagramCount -= isDatagram ? 1 : 0;
            if (!isGuest)
            {
                _addresses[key].Count--;
                ForgetUnused(key);
            }
        }
    }

    /// <summary>Apart from each other those of datagrams: whoever makes up an address takes nothing from the clients of streams that it has.</summary>
    private static AddressKey KeyOf(IPAddress address, bool isDatagram) => AddressKey.Of(address, isDatagram ? 1U : 0U);

    private Entry Note(AddressKey key) => _addresses[key] = new Entry(new RateBucket(_perAddress, Burst, _time));

    /// <summary>An address that comes back does not get a full rate by that.</summary>
    private void ForgetUnused(AddressKey key)
    {
        var entry = _addresses[key];
        if (entry.IsUsed || entry.IsRecovering)
        {
            return;
        }

        if (entry.Rate.IsFull && entry.NewCount == 0)
        {
            _addresses.Remove(key);
            return;
        }

        entry.IsRecovering = true;
        _recovering.Enqueue(key);
    }

    private void ForgetRecovered()
    {
        while (_recovering.TryPeek(out var key))
        {
            var entry = _addresses[key];
            if (!entry.IsUsed && (entry.NewCount > 0 || (!entry.Rate.IsFull && !entry.IsCharged)))
            {
                return;
            }

            _recovering.Dequeue();
            if (!entry.IsUsed && !entry.Rate.IsFull)
            {
                // It will take longer than those behind it.
                entry.IsCharged = false;
                _recovering.Enqueue(key);
                continue;
            }

            entry.IsRecovering = false;
            if (!entry.IsUsed)
            {
                _addresses.Remove(key);
            }
        }
    }

    /// <summary>One address's clients.</summary>
    private sealed class Entry(RateBucket rate)
    {
        public int Count { get; set; }

        /// <summary>How many came since other relays were last told, which happens each second; until then the address is noted.</summary>
        public int NewCount { get; set; }

        public bool IsUsed => Count > 0;

        /// <summary>Stands in the queue of those that are forgotten when their rate is full again.</summary>
        public bool IsRecovering { get; set; }

        /// <summary>Its rate was used elsewhere while it recovers.</summary>
        public bool IsCharged { get; set; }

        public RateBucket Rate => rate;
    }
}
