using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Limits;

/// <summary>How often is looked for silent clients, by a clock that the test moves.</summary>
public class IdleSweepTests
{
    private readonly ManualTime _time = new();
    private TimeSpan[] _timeouts = [];
    private int _looks;

    [Theory]
    [InlineData(4, 0, 1)]
    [InlineData(8, 4, 1)]
    [InlineData(4, 86_400, 1)]
    [InlineData(0.01, 0, 0.1)]
    [InlineData(86_400, 0, 10)]
    public async Task A_fourth_of_the_shortest_time_out_but_a_tenth_of_a_second_at_least_and_ten_at_most(double one, double other, double period)
    {
        _timeouts = [TimeSpan.FromSeconds(one), TimeSpan.FromSeconds(other)];
        await using var sweep = NewSweep();
        for (var look = 0; look < 10; look++)
        {
            _time.Advance(TimeSpan.FromSeconds(period) - TimeSpan.FromTicks(1));
            Assert.Equal(look, _looks);
            _time.Advance(TimeSpan.FromTicks(1));
        }

        Assert.Equal(10, _looks);
    }

    [Fact]
    public async Task Without_a_time_out_nobody_is_looked_at_until_there_is_one()
    {
        _timeouts = [TimeSpan.Zero, TimeSpan.Zero];
        await using var sweep = NewSweep();
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, _looks);
        _timeouts = [TimeSpan.Zero, TimeSpan.FromSeconds(4)];
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.InRange(_looks, 1, 10);
        _looks = 0;
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(10, _looks);
    }

    [Fact]
    public async Task None_comes_behind_its_end()
    {
        _timeouts = [TimeSpan.FromSeconds(4)];
        await using (NewSweep())
        {
            _time.Advance(TimeSpan.FromSeconds(3));
        }

        Assert.Equal(3, _looks);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(3, _looks);
    }

    private IdleSweep NewSweep() => new(
        () =>
        {
            _looks++;
            return [];
        },
        _ => throw new InvalidOperationException("There is no client."),
        () => _timeouts,
        _time);
}
