using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Link;

/// <summary>How much a link is given at once.</summary>
public class SendPaceTests
{
    private const int Most = 256 << 10;

    [Theory]
    [InlineData(1_000_000_000, Most)]
    [InlineData(200_000_000, Most)]
    [InlineData(12_500_000, 32 << 10)]
    [InlineData(2_500_000, 16 << 10)]
    [InlineData(10_000, 16 << 10)]
    public void A_link_is_given_what_it_sends_in_a_few_milliseconds(double bytesPerSecond, int length)
    {
        var pace = new SendPace();
        Send(pace, bytesPerSecond, times: 20);
        Assert.Equal(length, pace.Length);
        Assert.Equal(Math.Max(length / 2, 16 << 10) - WireFormat.MaxHeaderRoom, pace.BodyLength);

        // And again, when it gets faster or slower.
        Send(pace, double.PositiveInfinity, times: 20);
        Assert.Equal(Most, pace.Length);
        Send(pace, bytesPerSecond, times: 20);
        Assert.Equal(length, pace.Length);
    }

    [Fact]
    public void Keystrokes_that_go_out_at_once_say_nothing_of_a_slow_links_speed()
    {
        var pace = new SendPace();
        Send(pace, 2_500_000, times: 20);
        for (var i = 0; i < 100; i++)
        {
            pace.Sent(100, TimeSpan.FromMilliseconds(0.01));
        }

        Assert.Equal(16 << 10, pace.Length);
    }

    [Fact]
    public void A_lone_client_whose_frames_are_all_there_is_gets_back_to_full_length_behind_a_stall()
    {
        var pace = new SendPace();
        Send(pace, 10_000, times: 20);
        for (var i = 0; i < 20; i++)
        {
            pace.Sent(pace.BodyLength + 30, TimeSpan.FromMilliseconds(0.1));
        }

        Assert.Equal(Most, pace.Length);
    }

    [Fact]
    public void The_system_keeps_less_of_a_slow_link_and_more_again_when_it_is_fast()
    {
        List<int> kept = [];
        var pace = new SendPace(kept.Add);
        Send(pace, 2_500_000, times: 20);
        Send(pace, double.PositiveInfinity, times: 20);
        Assert.Equal([64 << 10, 32 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10], kept);
    }

    private static void Send(SendPace pace, double bytesPerSecond, int times)
    {
        for (var i = 0; i < times; i++)
        {
            pace.Sent(pace.Length, TimeSpan.FromSeconds(pace.Length / bytesPerSecond));
        }
    }
}
