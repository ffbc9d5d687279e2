namespace MProxy.Engine.Tests.Simulation;

/// <summary>A clock that moves when it is told, without a lock or a timer: a simulation asks for the time millions of times a second.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Ticks since the start.</summary>
    public long Now { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now;

    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromTicks(Now);
}
