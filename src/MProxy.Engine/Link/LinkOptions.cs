namespace MProxy.Engine.Link;

/// <summary>The bounds and time-outs of a link. Source: protocol.md, sections 3 and 4; bounds in bytes.</summary>
public sealed record LinkOptions
{
    /// <summary>What may wait for one client's slow socket before its sender is asked to pause.</summary>
    public int HighMark { get; init; } = 1 << 20;

    /// <summary>What may still wait when a paused sender is asked to go on.</summary>
    public int LowMark { get; init; } = 256 << 10;

    /// <summary>What may wait for one client at all; past it, that client alone ends with E_OVERFLOW.</summary>
    public int ClientBound { get; init; } = 64 << 20;

    /// <summary>What may wait for all clients of a link together; past it, the client with the most waiting ends with E_OVERFLOW.</summary>
    public long LinkBudget { get; init; } = 256L << 20;

    /// <summary>How long a link may be silent before it is probed; null is 15 s at a device and 30 s at a relay.</summary>
    public TimeSpan? ProbeAfter { get; init; }

    /// <summary>How long after a probe a link that stays silent is gone.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the reply to a control request may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    internal TimeSpan SilenceOf(LinkRole role) => ProbeAfter ?? TimeSpan.FromSeconds(role == LinkRole.Device ? 15 : 30);
}
