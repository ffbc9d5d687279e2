using System.Net;

namespace MProxy.Engine;

/// <summary>
/// Those who came and have not shown yet what they are: so many and no more, in all and of one address. Where it is full, one more comes in for the oldest
/// of the address that has most of them: who is quick to say what it is finds room, however many there are that never do.
/// </summary>
/// <param name="most">How many there may be, in all and of one address, at any time.</param>
internal sealed class WaitingRoom(Func<(int All, int OfAddress)> most)
{
    private readonly Func<(int All, int OfAddress)> _most = most;

    // Whose address is not known, or is none of IP, are one crowd without a bound of its own.
    private static readonly AddressKey Unnamed = new(ulong.MaxValue, ulong.MaxValue);

    private readonly object _gate = new();
    private readonly Dictionary<AddressKey, Crowd> _crowds = [];

    // By how many there are in a crowd; those of one size in the order in which they came to it.
    private readonly List<LinkedList<Crowd>> _bySize = [new()];
    private int _largest;
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Counts one in until its place is disposed of.</summary>
    /// <param name="address">Where it comes from; null where that is not known yet, or it is of no network.</param>
    /// <param name="giveUp">Called on any thread, at most once, when it has to go for another. Its place is taken by then.</param>
    /// <returns>Null where its address has as many as it may.</returns>
    public Place? TryEnter(IPAddress? address, Action giveUp)
    {
        var key = KeyOf(address);
        var (all, ofAddress) = _most();
        Place place;
        Place? oldest = null;
        lock (_gate)
        {
            if (!HasRoom(key, ofAddress))
            {
                return null;
            }

            if (_count > 0 && _count >= all)
            {
                oldest = _bySize[_largest].First!.Value.Places.First!.Value;
                oldest.IsGivenUp = true;
                Remove(oldest);
            }

            place = new Place(this, giveUp);
            Add(place, key);
        }

        oldest?.GiveUp();
        return place;
    }

    private static AddressKey KeyOf(IPAddress? address) => address is null ? Unnamed : AddressKey.Of(address);

    private bool HasRoom(AddressKey key, int ofAddress) => key == Unnamed || !_crowds.TryGetValue(key, out var crowd) || crowd.Places.Count < ofAddress;

    private void Add(Place place, AddressKey key)
    {
        if (!_crowds.TryGetValue(key, out var crowd))
        {
            _crowds[key] = crowd = new Crowd(key);
        }

        place.Crowd = crowd;
        crowd.Places.AddLast(place.InCrowd);
        _count++;
        Sort(crowd);
    }

    private void Remove(Place place)
    {
        if (place.Crowd is not { } crowd)
        {
            return;
        }

        place.Crowd = null;
        crowd.Places.Remove(place.InCrowd);
        _count--;
        Sort(crowd);
        if (crowd.Places.Count == 0)
        {
            _crowds.Remove(crowd.Key);
        }
    }

    /// <summary>A crowd has one more, or one less, than it had.</summary>
    private void Sort(Crowd crowd)
    {
        var size = crowd.Places.Count;
        crowd.OfSize.List?.Remove(crowd.OfSize);
        if (size == _bySize.Count)
        {
            _bySize.Add(new());
        }

        if (size > 0)
        {
            _bySize[size].AddLast(crowd.OfSize);
        }

        _largest = Math.Max(_largest, size);
        while (_largest > 0 && _bySize[_largest].Count == 0)
        {
            _largest--;
        }
    }

    /// <summary>One that waits.</summary>
    internal sealed class Place : IDisposable
    {
        private readonly WaitingRoom _room;
        private readonly Action _giveUp;

        internal Place(WaitingRoom room, Action giveUp)
        {
            _room = room;
            _giveUp = giveUp;
            InCrowd = new(this);
        }

        /// <summary>It had to go for another.</summary>
        public bool IsGivenUp { get; internal set; }

        internal LinkedListNode<Place> InCrowd { get; }

        /// <summary>Null where it has left.</summary>
        internal Crowd? Crowd { get; set; }

        /// <summary>It is known now where it comes from, and counts there.</summary>
        /// <returns>False where that address has as many as it may; then it stays where it was.</returns>
        public bool TryName(IPAddress address)
        {
            var (key, ofAddress) = (KeyOf(address), _room._most().OfAddress);
            lock (_room._gate)
            {
                if (Crowd is null || !_room.HasRoom(key, ofAddress))
                {
                    return false;
                }

                _room.Remove(this);
                _room.Add(this, key);
                return true;
            }
        }

        /// <summary>It has shown what it is, or is gone.</summary>
        public void Dispose()
        {
            lock (_room._gate)
            {
                _room.Remove(this);
            }
        }

        internal void GiveUp() => _giveUp();
    }

    /// <summary>All of one address, the oldest first.</summary>
    internal sealed class Crowd
    {
        public Crowd(AddressKey key)
        {
            Key = key;
            OfSize = new(this);
        }

        public AddressKey Key { get; }

        public LinkedList<Place> Places { get; } = new();

        public LinkedListNode<Crowd> OfSize { get; }
    }
}
