namespace MProxy.Engine.Device;

/// <summary>What a tunnel does now. Whoever keeps this instead of the options sees changes made while the tunnel runs.</summary>
internal sealed class TunnelSettings(TunnelOptions options)
{
    private volatile TunnelOptions _current = options;

    public TunnelOptions Current
    {
        get => _current;
        set => _current = value;
    }
}
