using MProxy.Engine.Device;

namespace MProxy.Engine.Tests.Sessions;

public class BackOffTests
{
    [Fact]
    public void Waits_double_from_half_a_second_to_the_most_and_start_again_after_a_stable_link()
    {
        var backOff = new BackOff(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60), new HalfRandom());
        Assert.Equal([0.25, 0.5, 1, 2, 4, 8, 15, 15, 15], Enumerable.Range(0, 9).Select(_ => backOff.Next(TimeSpan.Zero).TotalSeconds));
        Assert.Equal(15, backOff.Next(TimeSpan.FromSeconds(59.9)).TotalSeconds);
        Assert.Equal(0.25, backOff.Next(TimeSpan.FromSeconds(60)).TotalSeconds);
    }

    [Fact]
    public void A_wait_is_anything_from_nothing_to_its_bound()
    {
        var waits = Enumerable.Range(0, 200).Select(seed => new BackOff(TimeSpan.FromSeconds(30), TimeSpan.Zero, new Random(seed)).Next(TimeSpan.Zero).TotalSeconds).ToList();
        Assert.All(waits, wait => Assert.InRange(wait, 0, 0.5));
        Assert.Contains(waits, wait => wait < 0.1);
        Assert.Contains(waits, wait => wait > 0.4);
    }
}
