namespace MProxy.Engine.Link;

/// <summary>Identities that ended lately, so that late frames never reopen one. Source: protocol.md, section 4.</summary>
internal sealed class EndedClients(TimeProvider time)
{
    private const int Capacity = 65_536;
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, (long At, bool WasTold)> _ended = [];
    private readonly Queue<(string SocketId, long At)> _order = new();

    public void Add(string socketId) => Add(socketId, wasTold: false);

    public bool Contains(string socketId)
    {
        Forget();
        return _ended.ContainsKey(socketId);
    }

    /// <summary>True the first time that the peer is to be told of this identity, ended or never known; later frames are only late.</summary>
    public bool TryTell(string socketId)
    {
        Forget();
        if (_ended.TryGetValue(socketId, out var ended))
        {
            _ended[socketId] = ended with { WasTold = true };
            return !ended.WasTold;
        }

        Add(socketId, wasTold: true);
        return true;
    }

    public void Remove(string socketId) => _ended.Remove(socketId);

    private void Add(string socketId, bool wasTold)
    {
        Forget();
        var now = time.GetTimestamp();
        _ended[socketId] = (now, wasTold);
        _order.Enqueue((socketId, now));
    }

    private void Forget()
    {
        while (_order.TryPeek(out var oldest) && (_order.Count > Capacity || time.GetElapsedTime(oldest.At) > Memory))
        {
            _order.Dequeue();
            if (_ended.TryGetValue(oldest.SocketId, out var ended) && ended.At == oldest.At)
            {
                _ended.Remove(oldest.SocketId);
            }
        }
    }
}
