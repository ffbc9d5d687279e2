namespace MProxy;

/// <summary>What a service manager asks for.</summary>
public enum ServiceSignal
{
    /// <summary>SIGTERM: end, once clients had their time.</summary>
    Stop,

    /// <summary>SIGHUP: read configuration and certificates again.</summary>
    Reload,
}
