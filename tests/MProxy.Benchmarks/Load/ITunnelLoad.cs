using MProxy.Benchmarks.Peers;
using MProxy.Benchmarks.Report;

namespace MProxy.Benchmarks.Load;

/// <summary>What is done to a tunnel to see how it does.</summary>
internal interface ITunnelLoad
{
    /// <summary>What comes of it.</summary>
    IReadOnlyList<Measure> Measures { get; }

    /// <summary>The ways a tunnel is set up that this load is for.</summary>
    PeerKind Kinds { get; }

    /// <summary>Each time with a tunnel that was just started: what was done to it before would be seen.</summary>
    bool NeedsFreshTunnel => false;

    /// <summary>Runs it, on threads that may block.</summary>
    /// <returns>A figure for each of <see cref="Measures"/>; NaN where there is none.</returns>
    /// <exception cref="IOException">The tunnel ended a connection that it should not.</exception>
    /// <exception cref="InvalidDataException">Wrong bytes came.</exception>
    IReadOnlyList<double> Run(RunningTunnel tunnel, LoadServer server, LoadLength length);
}

/// <summary>How long a load goes on.</summary>
/// <param name="WarmUp">Before it counts.</param>
/// <param name="Measured">While it counts.</param>
/// <param name="Held">How many idle connections are held.</param>
internal sealed record LoadLength(TimeSpan WarmUp, TimeSpan Measured, int Held)
{
    public static readonly LoadLength Full = new(TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(1.2), 10_000);

    public static readonly LoadLength Short = new(TimeSpan.FromSeconds(0.05), TimeSpan.FromSeconds(0.1), 100);

    private const int SlowFactor = 3;

    /// <summary>The same where it takes a while until all goes at full speed, or a keystroke takes long.</summary>
    public LoadLength ForSlowWays() => this with { WarmUp = WarmUp * SlowFactor, Measured = Measured * SlowFactor };
}
