using CsCheck;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Limits;

/// <summary>A rate that is held, by a clock that the test moves, also where the rate changes meanwhile.</summary>
public class RateBucketTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private double _rate = 10;

    [Fact]
    public void It_lets_through_what_is_saved_up_and_then_the_rate()
    {
        var bucket = NewBucket();
        Assert.Equal(20, TakeAll(bucket));
        Assert.Equal(0, TakeAll(bucket));
        _time.Advance(Second);
        Assert.Equal(10, TakeAll(bucket));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(1, TakeAll(bucket));
    }

    [Fact]
    public void It_saves_up_no_more_than_its_time_allows_however_long_nobody_comes()
    {
        var bucket = NewBucket();
        TakeAll(bucket);
        Assert.False(bucket.IsFull);
        _time.Advance(TimeSpan.FromDays(1000));
        Assert.True(bucket.IsFull);
        Assert.Equal(20, TakeAll(bucket));
    }

    [Fact]
    public void What_is_more_than_can_be_saved_up_goes_when_it_is_full_and_is_paid_for_later()
    {
        var bucket = NewBucket();
        Assert.True(bucket.TryTake(100));
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.False(bucket.TryTake(1));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(bucket.TryTake(1));
    }

    [Fact]
    public void Whoever_takes_in_any_case_waits_until_it_is_paid_for_and_first_come_is_first_served()
    {
        var bucket = NewBucket();
        Assert.Equal(TimeSpan.Zero, bucket.WaitFor(bucket.Take(20)));
        var (first, second) = (bucket.Take(10), bucket.Take(20));
        Assert.Equal((Second, 3 * Second), (bucket.WaitFor(first), bucket.WaitFor(second)));
        _time.Advance(Second);
        Assert.Equal((TimeSpan.Zero, 2 * Second), (bucket.WaitFor(first), bucket.WaitFor(second)));
        _time.Advance(TimeSpan.FromDays(1000));
        Assert.Equal(TimeSpan.Zero, bucket.WaitFor(second));
    }

    [Fact]
    public void Those_behind_do_not_wait_for_what_is_given_back()
    {
        var bucket = NewBucket();
        bucket.Take(20);
        bucket.Take(1000);
        var behind = bucket.Take(10);
        Assert.Equal(101 * Second, bucket.WaitFor(behind));
        bucket.GiveBack(1000);
        Assert.Equal(Second, bucket.WaitFor(behind));
    }

    [Fact]
    public void A_rate_that_changes_changes_the_wait_of_those_who_wait_already()
    {
        var bucket = NewBucket();
        bucket.Take(20);
        var taken = bucket.Take(100);
        Assert.Equal(10 * Second, bucket.WaitFor(taken));
        _rate = 100;
        Assert.Equal(Second, bucket.WaitFor(taken));
        _rate = 1;
        Assert.Equal(100 * Second, bucket.WaitFor(taken));
    }

    [Fact]
    public void Without_a_limit_nothing_is_held_back_and_nothing_is_owed_when_there_is_one_again()
    {
        var bucket = NewBucket();
        var taken = bucket.Take(1_000_000);
        _rate = 0;
        Assert.False(bucket.IsOn);
        Assert.True(bucket.IsFull);
        Assert.Equal(double.PositiveInfinity, bucket.Capacity);
        Assert.Equal(TimeSpan.Zero, bucket.WaitFor(taken));
        Assert.True(bucket.TryTake(1e18));
        Assert.Equal(TimeSpan.Zero, bucket.WaitFor(bucket.Take(1e18)));
        _rate = 10;
        Assert.True(bucket.IsOn);
        Assert.Equal(20, bucket.Capacity);
        Assert.Equal(TimeSpan.Zero, bucket.WaitFor(taken));
        Assert.Equal(20, TakeAll(bucket));
    }

    [Fact]
    public void No_count_is_too_large_to_be_waited_for()
    {
        _rate = 1;
        var bucket = NewBucket();
        var taken = 0.0;
        for (var i = 0; i < 1000; i++)
        {
            taken = bucket.Take(long.MaxValue);
        }

        Assert.True(bucket.WaitFor(taken) > TimeSpan.FromDays(365_000));
        _rate = long.MaxValue;
        Assert.InRange(bucket.WaitFor(taken), TimeSpan.FromSeconds(990), TimeSpan.FromSeconds(1010));
    }

    [Fact]
    public void Those_who_cannot_wait_go_ahead_with_half_of_the_rate_and_the_others_have_the_rest()
    {
        var bucket = NewBucket();
        var last = bucket.Take(1000);
        var before = bucket.WaitFor(last);
        var ahead = 0;
        for (var second = 0; second < 20; second++)
        {
            _time.Advance(Second);
            Assert.Equal(0, TakeAll(bucket));
            while (bucket.TryTakeAhead(1))
            {
                ahead++;
            }
        }

        // Half of what can be saved up, and of what came since.
        Assert.Equal(10 + (20 * 5) - 5, ahead);
        Assert.Equal(before - (20 * Second) + TimeSpan.FromSeconds(ahead / 10.0), bucket.WaitFor(last));
    }

    [Fact]
    public void Where_nobody_waits_those_who_cannot_have_it_all_and_no_more()
    {
        var bucket = NewBucket();
        var taken = 0;
        for (var second = 0; second < 20; second++)
        {
            while (bucket.TryTakeAhead(1))
            {
                taken++;
            }

            _time.Advance(Second);
        }

        Assert.InRange(taken, 20 + (19 * 10), 20 + 10 + (19 * 10));
    }

    /// <summary>Whatever is asked for and when, at whatever rates: never more than they give.</summary>
    [Fact]
    public void No_more_goes_through_than_the_rates_of_all_time_allow() =>
        Gen.Select(Gen.Int[0, 3000], Gen.Int[0, 60], Gen.Int[1, 100]).Array[1, 60].Sample(
            steps =>
            {
                _rate = 10;
                var bucket = NewBucket();
                var (allowed, taken) = (20.0, 0.0);
                foreach (var (wait, count, rate) in steps)
                {
                    _time.Advance(TimeSpan.FromMilliseconds(wait));

                    // The time since the last look counts at the rate of now, and more may be saved up with that.
                    allowed += (wait / 1000.0 * rate) + Math.Max(0, 2 * (rate - _rate));
                    _rate = rate;
                    taken += bucket.TryTake(count) ? Math.Min(count, 2 * rate) : 0;
                }

                return taken <= allowed + 1e-6;
            },
            iter: 2000,
            threads: 1);

    private static int TakeAll(RateBucket bucket)
    {
        var count = 0;
        while (bucket.TryTake(1))
        {
            count++;
        }

        return count;
    }

    private RateBucket NewBucket() => new(() => _rate, 2 * Second, _time);
}
