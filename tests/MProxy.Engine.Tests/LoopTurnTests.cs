namespace MProxy.Engine.Tests;

public sealed class LoopTurnTests
{
    private const int Piece = 256 << 10;

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 16)]
    public async Task A_loop_that_never_waits_is_told_to_yield_sooner_where_it_stays_on_a_thread_of_others(bool isPool, int pieces)
    {
        var (first, second) = await RunAsync(isPool, () =>
        {
            var turn = new LoopTurn();
            return (PiecesUntilOver(ref turn), PiecesUntilOver(ref turn));
        });
        Assert.Equal(pieces, first);
        Assert.Equal(pieces, second);
    }

    [Fact]
    public async Task Small_steps_take_time_too()
    {
        var steps = await RunAsync(isPool: false, () =>
        {
            var turn = new LoopTurn();
            var count = 1;
            while (turn.Moved(100).IsCompleted)
            {
                count++;
            }

            return count;
        });
        Assert.Equal(64, steps);
    }

    [Fact]
    public async Task Yielding_goes_to_the_pool_whatever_context_there_is()
    {
        var isPool = await RunAsync(isPool: false, () =>
        {
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            return YieldAsync();
        });
        Assert.True(await isPool);

        static async Task<bool> YieldAsync()
        {
            await new PoolYield(isNeeded: true);
            return Thread.CurrentThread.IsThreadPoolThread && SynchronizationContext.Current is null;
        }
    }

    [Fact]
    public async Task A_loop_that_waited_begins_a_new_turn()
    {
        var pieces = await RunAsync(isPool: false, () =>
        {
            var turn = new LoopTurn();
            turn.Moved(Piece);
            _ = turn.Watch(new ValueTask(new TaskCompletionSource().Task)).AsTask();
            return PiecesUntilOver(ref turn);
        });
        Assert.Equal(4, pieces);
    }

    private static int PiecesUntilOver(ref LoopTurn turn)
    {
        var pieces = 1;
        while (turn.Moved(Piece).IsCompleted)
        {
            pieces++;
        }

        return pieces;
    }

    private static Task<T> RunAsync<T>(bool isPool, Func<T> what) => Task.Factory.StartNew(
        what, CancellationToken.None, isPool ? TaskCreationOptions.None : TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
