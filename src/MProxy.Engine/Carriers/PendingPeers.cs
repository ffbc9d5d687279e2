using System.Net;

namespace MProxy.Engine.Carriers;

/// <summary>
/// Peers that came where devices do, and have shown neither certificate nor token yet: strangers, of whom there are so many and no more, and so many of
/// one address, so that nobody can keep devices out.
/// </summary>
/// <param name="most">How many there may be, in all and of one address, at any time.</param>
internal sealed class PendingPeers(Func<(int All, int OfAddress)> most)
{
    private readonly Dictionary<AddressKey, int> _addresses = [];
    private int _count;

    /// <summary>How many there are.</summary>
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

    /// <summary>Counts one in until its place is disposed of.</summary>
    /// <param name="remote">Where it comes from; only addresses of IP are counted apart.</param>
    /// <param name="refusal">Why it is not, as one of <see cref="CarrierRefusal"/>; null where it is.</param>
    public IDisposable? TryEnter(EndPoint? remote, out string? refusal)
    {
        AddressKey? key = remote is IPEndPoint { Address: var address } ? AddressKey.Of(address) : null;
        var (all, ofAddress) = most();
        lock (_addresses)
        {
            var count = key is { } one ? _addresses.GetValueOrDefault(one) : 0;
            refusal = _count >= all ? CarrierRefusal.TooMany : key is not null && count >= ofAddress ? CarrierRefusal.TooManyOfAddress : null;
            if (refusal is not null)
            {
                return null;
            }

            _count++;
            if (key is { } counted)
            {
                _addresses[counted] = count + 1;
            }

            return new Place(this, key);
        }
    }

    private void Leave(AddressKey? key)
    {
        lock (_addresses)
        {
            _count--;
            if (key is { } one && --_addresses[one] == 0)
            {
                _addresses.Remove(one);
            }
        }
    }

    private sealed class Place(PendingPeers peers, AddressKey? key) : IDisposable
    {
        private PendingPeers? _peers = peers;

        public void Dispose() => Interlocked.Exchange(ref _peers, null)?.Leave(key);
    }
}
