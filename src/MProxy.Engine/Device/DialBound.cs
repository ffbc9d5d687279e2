using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>
/// How many clients a tunnel takes to local services: whatever a relay brings, it neither takes all descriptors of this machine nor makes it dial a
/// service without end. Half of the room and of the rate is for whoever comes first, and the other half is kept for the links in equal parts, so that one
/// relay that brings too many leaves the clients of the others theirs.
/// </summary>
internal sealed class DialBound(TunnelSettings settings, TimeProvider time)
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    private readonly RateBucket _rate = new(() => settings.Current.MaxNewClientsPerSecond / 2.0, Burst, time);
    private readonly Dictionary<DeviceLink, Share> _shares = [];
    private readonly object _gate = new();

    /// <summary>How many are in.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _shares.Values.Sum(share => share.Count);
            }
        }
    }

    private int LinkCount => settings.Current.Relays.Count + settings.Current.Links.Count;

    /// <summary>Counts a client of a link in. False where there are as many as may be, or they come too fast; else <see cref="Leave"/> is to be called once.</summary>
    public bool TryEnter(DeviceLink link, bool isDatagram)
    {
        var most = settings.Current.MaxClients;
        lock (_gate)
        {
            if (!_shares.TryGetValue(link, out var share))
            {
                _shares[link] = share = new Share(new RateBucket(() => settings.Current.MaxNewClientsPerSecond / (2.0 * LinkCount), Burst, time));
            }

            if (!HasRoom(share, most, one => one.Count)
                || (isDatagram && !HasRoom(share, ClientService.DatagramShare(most), one => one.DatagramCount))
                || !(share.Rate.TryTake(1) || _rate.TryTake(1)))
            {
                return false;
            }

            share.Count++;
            share.DatagramCount += isDatagram ? 1 : 0;
            return true;
        }
    }

    /// <summary>One is over.</summary>
    public void Leave(DeviceLink link, bool isDatagram)
    {
        lock (_gate)
        {
            var share = _shares[link];
            share.Count--;
            share.DatagramCount -= isDatagram ? 1 : 0;
        }
    }

    /// <summary>Beside those that are in, and what is kept for other links.</summary>
    private bool HasRoom(Share own, int most, Func<Share, int> countOf)
    {
        var links = LinkCount;
        var kept = most / (2 * links);
        var taken = countOf(own) + (kept * (links - _shares.Count));
        foreach (var share in _shares.Values)
        {
            taken += share == own ? 0 : Math.Max(countOf(share), kept);
        }

        return taken < most;
    }

    private sealed class Share(RateBucket rate)
    {
        public RateBucket Rate { get; } = rate;

        public int Count { get; set; }

        public int DatagramCount { get; set; }
    }
}
