namespace MProxy.Engine.Relay;

/// <summary>The datagrams of clients whose devices are being looked for at other relays: few of few clients, since anybody can send some.</summary>
internal sealed class SoughtDatagrams
{
    private const int MaxClients = 256;
    private const int MaxOfClient = 4;

    private readonly Dictionary<DatagramReception.ClientKey, List<byte[]>> _kept = [];

    /// <summary>Keeps a datagram of a client that is looked for already, or drops it where there are enough.</summary>
    /// <returns>False where that client is not looked for.</returns>
    public bool TryKeep(in DatagramReception.ClientKey key, ReadOnlySpan<byte> datagram)
    {
        lock (_kept)
        {
            if (!_kept.TryGetValue(key, out var kept))
            {
                return false;
            }

            if (kept.Count < MaxOfClient)
            {
                kept.Add(datagram.ToArray());
            }

            return true;
        }
    }

    /// <summary>A client's device is looked for from now on. False where too many are.</summary>
    public bool TryBegin(in DatagramReception.ClientKey key, ReadOnlySpan<byte> datagram)
    {
        lock (_kept)
        {
            return _kept.Count < MaxClients && _kept.TryAdd(key, [datagram.ToArray()]);
        }
    }

    /// <summary>No more; what was kept is given out.</summary>
    public List<byte[]> End(in DatagramReception.ClientKey key)
    {
        lock (_kept)
        {
            return _kept.Remove(key, out var kept) ? kept : [];
        }
    }
}
