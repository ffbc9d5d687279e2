namespace MProxy.Engine.Fleet;

/// <summary>
/// Whoever serves something tells the directory again long before that forgets it: each key once in twenty minutes, and at any time a small part of them, so that
/// a hundred thousand of them are no burst.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class RenewalTurns(TimeProvider time)
{
    private const int Turns = 120;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private long _lookedAt = time.GetTimestamp();
    private uint _turn;

    /// <summary>Says whose turn it is; null where it is nobody's yet.</summary>
    public Func<string, bool>? Next()
    {
        if (time.GetElapsedTime(_lookedAt) < Every)
        {
            return null;
        }

        _lookedAt = time.GetTimestamp();
        _turn = (_turn + 1) % Turns;
        var turn = _turn;
        return key => (uint)key.GetHashCode(StringComparison.Ordinal) % Turns == turn;
    }
}
