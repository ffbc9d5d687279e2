namespace MProxy.Engine.Link;

/// <summary>Identities that ended lately, so that late frames never reopen one. Source: protocol.md, section 4.</summary>
internal sealed class EndedClients(TimeProvider time)
{
    private const int Capacity = 65_536;
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, long> _endedAt = [];
    private readonly Queue<(string SocketId, long At)> _order = new();

    public void Add(string socketId)
    {
        Forget();
        var now = time.GetTimestamp();
        _endedAt[socketId] = now;
        _order.Enqueue((socketId, now));
    }

    public bool Contains(string socketId)
    {
        Forget();
        return _endedAt.ContainsKey(socketId);
    }

    public void Remove(string socketId) => _endedAt.Remove(socketId);

    private void Forget()
    {
        while (_order.TryPeek(out var oldest) && (_order.Count > Capacity || time.GetElapsedTime(oldest.At) > Memory))
        {
            _order.Dequeue();
            if (_endedAt.TryGetValue(oldest.SocketId, out var at) && at == oldest.At)
            {
                _endedAt.Remove(oldest.SocketId);
            }
        }
    }
}
