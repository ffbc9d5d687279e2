namespace MProxy.Engine.Relay;

/// <summary>What a relay does now. Whoever keeps this instead of the options sees changes made while the relay runs.</summary>
internal sealed class RelaySettings(RelayOptions options)
{
    private volatile RelayOptions _current = options;

    public RelayOptions Current
    {
        get => _current;
        set => _current = value;
    }

    public RelayLimits Limits => _current.Limits;
}
