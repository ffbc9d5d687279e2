namespace MProxy.Engine.Health;

/// <summary>Makes a state of the results of one service's probes. Pure: results in, state out.</summary>
/// <param name="rise">How many have to pass in a row before a service that is down is up.</param>
/// <param name="fall">How many have to fail in a row before one that is up is down; the very first result decides alone.</param>
internal sealed class ServiceHealth(int rise, int fall)
{
    private bool _isKnown;
    private int _against;

    /// <summary>Up until a probe says otherwise.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>Takes the next result.</summary>
    public void Take(bool passed)
    {
        if (passed == IsUp)
        {
            _against = 0;
        }
        else if (!_isKnown || ++_against >= (IsUp ? fall : rise))
        {
            IsUp = passed;
            _against = 0;
        }

        _isKnown = true;
    }
}
