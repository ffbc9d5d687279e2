namespace MProxy.Engine.Health;

/// <summary>Whether a local service gets new clients.</summary>
public enum ServiceState
{
    /// <summary>It does.</summary>
    Up,

    /// <summary>It does not, since its probes fail. The clients that it has go on.</summary>
    Down,

    /// <summary>It does not, since somebody said so. The clients that it has may finish.</summary>
    Draining,
}
