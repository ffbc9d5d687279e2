namespace MProxy.Engine.Tests.Sessions;

/// <summary>A clock that can be put forward or back, as that of a machine is, or as it seems after a suspension. Timers do not notice.</summary>
internal sealed class SteppedTime(DateTimeOffset start) : ManualTime(start)
{
    private long _step;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _step));

    public void Step(TimeSpan by) => Interlocked.Add(ref _step, by.Ticks);
}
