using MProxy.Engine.Relay;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class AmplificationGuardTests
{
    [Fact]
    public void Who_has_not_spoken_twice_gets_a_multiple_of_what_it_sent()
    {
        var guard = new AmplificationGuard();
        Assert.False(guard.TrySend(1, 10));
        guard.Received(50);
        Assert.True(guard.TrySend(300, 10));
        Assert.False(guard.TrySend(201, 10));
        Assert.True(guard.TrySend(200, 10));
        Assert.False(guard.TrySend(1, 10));
    }

    [Fact]
    public void Who_speaks_again_behind_an_answer_gets_all()
    {
        var guard = new AmplificationGuard();
        guard.Received(50);
        guard.Received(50);
        Assert.False(guard.TrySend(1_001, 10));
        Assert.True(guard.TrySend(1_000, 10));
        guard.Received(1);
        Assert.True(guard.TrySend(1_000_000, 10));
    }
}
