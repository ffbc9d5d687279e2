namespace MProxy.Engine.Link;

/// <summary>
/// Identities that ended lately, so that late frames never reopen one, and the peer is told once at most. An identity that the peer may
/// still be speaking of is held back from a new client until a ping behind the end is answered: what was on its way is here by then.
/// Source: protocol.md, section 4.
/// </summary>
internal sealed class LateFrames(TimeProvider time)
{
    private const int Capacity = 65_536;

    // Of those that nobody waits for, so many share a ping.
    private const int Batch = 1024;

    private const int MaxStrangers = 4096;
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, (long At, bool WasTold)> _ended = [];
    private readonly Queue<(string SocketId, long At)> _order = new();
    private readonly HashSet<int> _strangers = [];
    private HashSet<string> _behindBarrier = [];
    private HashSet<string> _beforeBarrier = [];
    private bool _isWanted;

    /// <summary>A client is over.</summary>
    /// <param name="socketId">Its identity.</param>
    /// <param name="wasTold">The peer knows: an error was sent, so late frames need no answer.</param>
    public void Add(string socketId, bool wasTold)
    {
        Forget();
        var now = time.GetTimestamp();
        _ended[socketId] = (now, wasTold);
        _order.Enqueue((socketId, now));
    }

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

        // A peer makes up as many as it likes: only their hashes are kept, and if two are alike, one is not answered.
        if (_strangers.Count == MaxStrangers)
        {
            _strangers.Clear();
        }

        return _strangers.Add(socketId.GetHashCode(StringComparison.Ordinal));
    }

    public void Remove(string socketId) => _ended.Remove(socketId);

    /// <summary>Frames of this identity may still come.</summary>
    /// <param name="socketId">The identity.</param>
    /// <param name="atOnce">It is likely to come back soon; else somebody will say that he wants it.</param>
    /// <returns>True where a ping is to be sent now; its answer is <see cref="BarrierPassed"/>.</returns>
    public bool HoldBack(string socketId, bool atOnce)
    {
        _behindBarrier.Add(socketId);
        _isWanted |= atOnce;
        return BeginIfDue();
    }

    /// <summary>More are held back than a peer that answers ever has.</summary>
    public bool IsFull => _behindBarrier.Count > Capacity;

    public bool IsHeldBack(string socketId) => _beforeBarrier.Contains(socketId) || _behindBarrier.Contains(socketId);

    /// <summary>Somebody waits for an identity that is held back.</summary>
    /// <returns>True where a ping is to be sent now.</returns>
    public bool Want(string socketId)
    {
        _isWanted |= _behindBarrier.Contains(socketId);
        return BeginIfDue();
    }

    /// <summary>All that was on its way when the ping was sent is here.</summary>
    /// <returns>True where another ping is to be sent now, for those that came behind it.</returns>
    public bool BarrierPassed()
    {
        _beforeBarrier.Clear();
        return BeginIfDue();
    }

    private bool BeginIfDue()
    {
        if (_beforeBarrier.Count > 0 || _behindBarrier.Count == 0 || (!_isWanted && _behindBarrier.Count < Batch))
        {
            return false;
        }

        _isWanted = false;
        (_beforeBarrier, _behindBarrier) = (_behindBarrier, _beforeBarrier);
        return true;
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
