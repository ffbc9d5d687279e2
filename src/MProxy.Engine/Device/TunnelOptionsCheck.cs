using MProxy.Engine.Health;

namespace MProxy.Engine.Device;

/// <summary>Refuses options that no tunnel can work with, before anything is dialled or changed.</summary>
internal static class TunnelOptionsCheck
{
    /// <summary>What may be another while a tunnel runs.</summary>
    private static readonly string[] MayChange =
    [
        nameof(TunnelOptions.Service),
        nameof(TunnelOptions.HealthChecks),
        nameof(TunnelOptions.MaxClients),
        nameof(TunnelOptions.MaxNewClientsPerSecond),
        nameof(TunnelOptions.DialTimeout),
        nameof(TunnelOptions.DatagramIdleTimeout),
        nameof(TunnelOptions.SourceAddress),
        nameof(TunnelOptions.Tls),
        nameof(TunnelOptions.ProxyProtocol),
        $"{nameof(TunnelOptions.Relays)}.{nameof(DeviceLinkOptions.Tokens)}",
    ];

    /// <summary>Checks options as a whole.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or the services cannot be dialled from the source address.</exception>
    public static void Check(TunnelOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxClients, 1, nameof(TunnelOptions.MaxClients));
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxNewClientsPerSecond, nameof(TunnelOptions.MaxNewClientsPerSecond));
        CheckTime(options.DialTimeout, nameof(TunnelOptions.DialTimeout));
        CheckTime(options.DatagramIdleTimeout, nameof(TunnelOptions.DatagramIdleTimeout));
        LocalConnector.Check(options.Service, options.SourceAddress);
        ServiceProber.Check(options);
    }

    /// <summary>Checks options for a tunnel that runs.</summary>
    /// <exception cref="FixedOptionException">One differs that cannot change.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the services cannot be dialled from the source address.</exception>
    public static void CheckChange(TunnelOptions current, TunnelOptions next)
    {
        FixedOptions.Check("tunnel", current, next, MayChange);
        Check(next);
    }

    /// <summary>A timer takes 49 days at most, and none below 0.</summary>
    private static void CheckTime(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero || time > TimeSpan.FromDays(49))
        {
            throw new ArgumentException($"{name} is more than 0, and 49 days at most.");
        }
    }
}
