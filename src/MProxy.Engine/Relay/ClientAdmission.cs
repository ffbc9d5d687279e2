using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Relay;

/// <summary>Lets clients in by where they come from and how many there are. What it notes of an address is gone with the address's last client.</summary>
internal sealed class ClientAdmission
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    private readonly RelaySettings _settings;
    private readonly TimeProvider _time;
    private readonly RateBucket _rate;
    private readonly Dictionary<(ulong High, ulong Low), Entry> _addresses = [];
    private int _count;
    private int _datagramCount;
    private int _pruneAt = 1_024;

    public ClientAdmission(RelaySettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _rate = new RateBucket(() => settings.Limits.MaxNewClientsPerSecond, Burst, time);
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

    /// <summary>How many addresses are noted. A test bounds them.</summary>
    public int AddressCount
    {
        get
        {
            lock (_addresses)
            {
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

    /// <summary>Counts a client in.</summary>
    /// <returns>Why not; null where it is in, and <see cref="Leave"/> is to be called for it once.</returns>
    public ClientRefusal? TryEnter(IPAddress address, bool isDatagram)
    {
        if (Check(address) is { } denied)
        {
            return denied;
        }

        var limits = _settings.Limits;
        var key = KeyOf(address);
        lock (_addresses)
        {
            // Addresses of datagrams can be made up: they leave half of the room to clients that have shaken hands.
            if (_count >= limits.MaxClients || (isDatagram && _datagramCount >= (limits.MaxClients + 1) / 2))
            {
                return ClientRefusal.TooManyInAll;
            }

            var entry = Find(key);
            if (entry.Count >= limits.MaxClientsPerAddress)
            {
                return ClientRefusal.TooManyOfAddress;
            }

            // Its own rate first: one address must not use up what others share.
            if (!entry.Rate.TryTake(1))
            {
                return ClientRefusal.TooFastOfAddress;
            }

            if (!_rate.TryTake(1))
            {
                return ClientRefusal.TooFast;
            }

            entry.Count++;
            _count++;
            _datagramCount += isDatagram ? 1 : 0;
            return null;
        }
    }

    /// <summary>A client that was counted in is over.</summary>
    public void Leave(IPAddress address, bool isDatagram)
    {
        var key = KeyOf(address);
        lock (_addresses)
        {
            _count--;
            _datagramCount -= isDatagram ? 1 : 0;
            var entry = _addresses[key];
            if (--entry.Count == 0 && entry.Rate.IsFull)
            {
                _addresses.Remove(key);
            }
        }
    }

    /// <summary>IPv4 addresses one by one, IPv6 by their first 64 bits.</summary>
    private static (ulong High, ulong Low) KeyOf(IPAddress address)
    {
        var plain = SocketEndPoints.Unmapped(address);
        Span<byte> bytes = stackalloc byte[16];
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? (BinaryPrimitives.ReadUInt64BigEndian(bytes), 1UL)
            : (BinaryPrimitives.ReadUInt32BigEndian(bytes), 0UL);
    }

    private Entry Find((ulong High, ulong Low) key)
    {
        if (_addresses.TryGetValue(key, out var entry))
        {
            return entry;
        }

        Prune();
        return _addresses[key] = new Entry(new RateBucket(() => _settings.Limits.MaxNewClientsPerAddress, Burst, _time));
    }

    /// <summary>Addresses without clients are kept until their rate has recovered; what they leave behind is gathered as the table grows.</summary>
    private void Prune()
    {
        if (_addresses.Count < _pruneAt)
        {
            return;
        }

        foreach (var (key, entry) in _addresses)
        {
            if (entry.Count == 0 && entry.Rate.IsFull)
            {
                _addresses.Remove(key);
            }
        }

        _pruneAt = Math.Max(1_024, 2 * _addresses.Count);
    }

    /// <summary>One address's clients.</summary>
    private sealed class Entry(RateBucket rate)
    {
        public int Count { get; set; }

        public RateBucket Rate => rate;
    }
}
