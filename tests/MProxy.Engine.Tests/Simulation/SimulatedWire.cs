namespace MProxy.Engine.Tests.Simulation;

/// <summary>One way of a carrier: bytes in order, late by as much as chance says, and as few at a time. It takes no more than it has room for.</summary>
internal sealed class SimulatedWire(int capacity)
{
    private readonly byte[] _ring = new byte[capacity];
    private readonly Queue<(int Length, long ReadyAt)> _sends = new();
    private int _start;
    private int _length;
    private int _rest;
    private long _lastReadyAt;

    public int Room => capacity - _length;

    /// <summary>When the next bytes are there, as a timestamp; null where none are on their way.</summary>
    public long? ReadyAt => _sends.TryPeek(out var next) ? next.ReadyAt : null;

    public void Send(ReadOnlySpan<byte> bytes, long readyAt)
    {
        var end = (_start + _length) % capacity;
        var first = Math.Min(bytes.Length, capacity - end);
        bytes[..first].CopyTo(_ring.AsSpan(end));
        bytes[first..].CopyTo(_ring);
        _length += bytes.Length;

        // Bytes do not overtake each other, whatever delay they were given.
        _lastReadyAt = Math.Max(readyAt, _lastReadyAt);
        _sends.Enqueue((bytes.Length, _lastReadyAt));
    }

    /// <summary>Takes bytes that are there, this many at most and as many as lie in one piece.</summary>
    public ReadOnlySpan<byte> Receive(int most, long now)
    {
        var ready = 0;
        while (ready < most && _sends.TryPeek(out var next) && next.ReadyAt <= now)
        {
            var take = Math.Min(most - ready, next.Length - _rest);
            take = Math.Min(take, capacity - _start - ready);
            if (take == 0)
            {
                break;
            }

            ready += take;
            _rest += take;
            if (_rest == next.Length)
            {
                _sends.Dequeue();
                _rest = 0;
            }
        }

        var bytes = _ring.AsSpan(_start, ready);
        _start = (_start + ready) % capacity;
        _length -= ready;
        return bytes;
    }
}
