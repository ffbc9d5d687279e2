using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Link;

public class WakeSignalTests
{
    private readonly WakeSignal _signal = new();

    [Fact]
    public async Task A_signal_that_nobody_waits_for_is_kept_and_more_of_them_are_one()
    {
        _signal.Set(inline: true);
        _signal.Set(inline: false);
        await _signal.WaitAsync();
        Assert.False(_signal.WaitAsync().AsTask().IsCompleted);
    }

    [Fact]
    public async Task Who_waits_goes_on_within_the_call_where_that_is_asked_for()
    {
        var inline = WokenOnAsync();
        _signal.Set(inline: true);
        Assert.True(inline.IsCompleted);
        Assert.Equal(Environment.CurrentManagedThreadId, await inline);
    }

    private async Task<int> WokenOnAsync()
    {
        await _signal.WaitAsync().ConfigureAwait(false);
        return Environment.CurrentManagedThreadId;
    }
}
