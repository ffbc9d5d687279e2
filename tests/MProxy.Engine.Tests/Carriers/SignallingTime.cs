using System.Threading.Channels;

namespace MProxy.Engine.Tests.Carriers;

/// <summary>A clock that a test moves, and that tells when somebody has set a timer: what is set later would not fire.</summary>
internal sealed class SignallingTime : ManualTime
{
    private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _timers.Writer.TryWrite(dueTime);
        return timer;
    }

    public ValueTask<TimeSpan> TimerSetAsync() => _timers.Reader.ReadAsync(TestContext.Current.CancellationToken);
}
