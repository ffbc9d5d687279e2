namespace MProxy.Engine.Link;

/// <summary>The clients of a link by their identity on the wire. A look-up allocates nothing; frames come in runs, so the last one found is tried first.</summary>
internal sealed class ClientTable
{
    // HashCode is seeded per process: a peer cannot choose identities that collide.
    private readonly Dictionary<int, LinkClient> _buckets = [];
    private LinkClient? _last;

    public int Count { get; private set; }

    public int DatagramCount { get; private set; }

    public IEnumerable<LinkClient> All
    {
        get
        {
            foreach (var bucket in _buckets.Values)
            {
                for (var client = bucket; client is not null; client = client.Next)
                {
                    yield return client;
                }
            }
        }
    }

    public LinkClient? Find(ReadOnlySpan<byte> identity)
    {
        if (_last is not null && identity.SequenceEqual(_last.Identity))
        {
            return _last;
        }

        _ = _buckets.TryGetValue(Hash(identity), out var client);
        while (client is not null && !identity.SequenceEqual(client.Identity))
        {
            client = client.Next;
        }

        return client is null ? null : _last = client;
    }

    public bool TryAdd(LinkClient client)
    {
        if (Find(client.Identity) is not null)
        {
            return false;
        }

        var hash = Hash(client.Identity);
        client.Next = _buckets.GetValueOrDefault(hash);
        _buckets[hash] = client;
        Add(client, 1);
        return true;
    }

    public void Remove(LinkClient client)
    {
        _last = _last == client ? null : _last;
        var hash = Hash(client.Identity);
        if (!_buckets.TryGetValue(hash, out var head))
        {
            return;
        }

        if (head == client)
        {
            if (client.Next is null)
            {
                _buckets.Remove(hash);
            }
            else
            {
                _buckets[hash] = client.Next;
            }

            Add(client, -1);
            return;
        }

        for (var before = head; before.Next is not null; before = before.Next)
        {
            if (before.Next == client)
            {
                before.Next = client.Next;
                Add(client, -1);
                return;
            }
        }
    }

    private void Add(LinkClient client, int count)
    {
        Count += count;
        DatagramCount += ClientService.IsDatagram(client.Meta.Service) ? count : 0;
    }

    private static int Hash(ReadOnlySpan<byte> identity)
    {
        var hash = default(HashCode);
        hash.AddBytes(identity);
        return hash.ToHashCode();
    }
}
