using System.Management.Automation;
using MProxy.Engine.Link;

namespace MProxy.Abstractions;

/// <summary>The parameters that every link has, at either end.</summary>
public abstract class LinkOptionsCommand : CaptureCommand
{
    private static readonly LinkOptions Defaults = new();

    /// <summary>How many seconds a link may be silent before it is probed, 0.1 to 86400; 15 at a device and 30 at a relay unless given.</summary>
    [Parameter]
    [ValidateRange(0.1, 86400)]
    public double? ProbeAfter { get; set; }

    /// <summary>How many seconds after a probe a link that stays silent is gone, 0.1 to 86400.</summary>
    [Parameter]
    [ValidateRange(0.1, 86400)]
    public double ProbeTimeout { get; set; } = Defaults.ProbeTimeout.TotalSeconds;

    /// <summary>Bytes that may wait for one client before its sender is asked to pause.</summary>
    [Parameter]
    [ValidateRange(1, 1 << 30)]
    public int HighMark { get; set; } = Defaults.HighMark;

    /// <summary>Bytes that may still wait when a paused sender is asked to go on.</summary>
    [Parameter]
    [ValidateRange(0, 1 << 30)]
    public int LowMark { get; set; } = Defaults.LowMark;

    /// <summary>Bytes that may wait for one client at all; past it, that client alone is ended.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int ClientBound { get; set; } = Defaults.ClientBound;

    /// <summary>Bytes that may wait for all clients of a link together; past it, the client with the most is ended.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long LinkBudget { get; set; } = Defaults.LinkBudget;

    private protected LinkOptions LinkOptions() => new()
    {
        ProbeAfter = ProbeAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        ProbeTimeout = TimeSpan.FromSeconds(ProbeTimeout),
        HighMark = HighMark,
        LowMark = Math.Min(LowMark, HighMark),
        ClientBound = Math.Max(ClientBound, HighMark),
        LinkBudget = LinkBudget,
    };
}
