using MProxy.Engine.Link;
using MProxy.Engine.Tests.Limits;

namespace MProxy.Engine.Tests.Link;

/// <summary>What runs of a link, and that its end waits for all of it and for no more.</summary>
public sealed class PumpSetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_end_of_a_link_waits_until_all_have_ended_and_were_told_of()
    {
        await using var pair = await UpAsync();
        var told = 0;
        var pumps = new PumpSet(new ResourceLedger(), _ => Interlocked.Increment(ref told));
        var done = new TaskCompletionSource();
        Start(pumps, pair, () => Task.CompletedTask);
        Start(pumps, pair, () => done.Task);
        var closing = pumps.CloseAsync();
        Assert.False(closing.IsCompleted);
        done.SetResult();
        await closing.WaitAsync(Token);
        Assert.Equal(2, told);
    }

    [Fact]
    public async Task It_ends_too_where_whoever_is_told_fails()
    {
        await using var pair = await UpAsync();
        var pumps = new PumpSet(new ResourceLedger(), _ => throw new InvalidOperationException("a listener's mistake"));
        Start(pumps, pair, () => Task.CompletedTask);
        await pumps.CloseAsync().WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    [Fact]
    public async Task It_ends_at_once_where_nothing_runs() => await new PumpSet(new ResourceLedger(), _ => { }).CloseAsync().WaitAsync(Token);

    private static void Start(PumpSet pumps, LinkPair pair, Func<Task> run)
    {
        ClientPump? pump = null;
        pair.Join((link, client) => (pump = new StreamPump(link, client), null));
        pumps.Add(pump!);
        pumps.Run(pump!, run);
    }

    private static async Task<LinkPair> UpAsync()
    {
        var pair = new LinkPair((_, _) => { });
        await pair.UpAsync();
        return pair;
    }
}
