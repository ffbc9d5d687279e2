using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class AmplificationGuardTests
{
    private const int Header = AmplificationGuard.HeaderLength;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_has_not_spoken_twice_gets_a_multiple_of_what_it_sent(bool canConfirm)
    {
        var guard = new AmplificationGuard(canConfirm);
        Assert.False(guard.TrySend(1, 10));
        guard.Received(50 - Header);
        Assert.True(guard.TrySend(300 - Header, 10));
        Assert.False(guard.TrySend(201 - Header, 10));
        Assert.True(guard.TrySend(200 - Header, 10));
        Assert.False(guard.TrySend(0, 10));
    }

    [Fact]
    public void Empty_answers_cost_their_headers()
    {
        var guard = new AmplificationGuard(canConfirm: true);
        guard.Received(0);
        for (var number = 0; number < 10; number++)
        {
            Assert.True(guard.TrySend(0, 10));
        }

        Assert.False(guard.TrySend(0, 10));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_speaks_again_behind_an_answer_gets_all_where_that_means_something(bool canConfirm)
    {
        var guard = new AmplificationGuard(canConfirm);
        guard.Received(50 - Header);
        guard.Received(50 - Header);
        Assert.False(guard.TrySend(1_001 - Header, 10));
        Assert.True(guard.TrySend(1_000 - Header, 10));
        guard.Received(1);
        Assert.Equal(canConfirm, guard.TrySend(1_000_000, 10));
    }
}
