using MProxy.Engine.Link;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Datagrams;

public sealed class DnsQueryFollowerTests
{
    private static readonly byte[] First = DnsMessages.Query("a.example", rest: DnsMessages.Edns());
    private static readonly byte[] Same = DnsMessages.Query("A.EXAMPLE", type: 28);
    private static readonly byte[] Other = DnsMessages.Query("b.example");

    public static TheoryData<int> Steps => [1, 2, 3, 7, 13, 14, 40, 1000];

    [Theory]
    [MemberData(nameof(Steps))]
    public void Questions_for_one_name_go_on_and_the_first_for_another_ends_it(int step)
    {
        var allowed = DnsMessages.Framed(First, Same, First);
        byte[] all = [.. allowed, .. DnsMessages.Framed(Other, Same)];
        Assert.Equal((allowed.Length, FilterVerdict.Stop), Follow(all, step));
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void An_unfinished_question_waits(int step)
    {
        var whole = DnsMessages.Framed(First);
        byte[] all = [.. whole, .. DnsMessages.Framed(Same)[..20]];
        Assert.Equal((whole.Length, FilterVerdict.More), Follow(all, step));
    }

    [Theory]
    [InlineData(new byte[] { 0, 0 })]
    [InlineData(new byte[] { 0, 5, 1, 2, 3, 4, 5 })]
    public void What_is_no_question_ends_it(byte[] wrong) =>
        Assert.Equal((DnsMessages.Framed(First).Length, FilterVerdict.Stop), Follow([.. DnsMessages.Framed(First), .. wrong], 1000));

    [Fact]
    public void An_answer_is_no_question() =>
        Assert.Equal((0, FilterVerdict.Stop), Follow(DnsMessages.Framed(DnsMessages.Answer(First, 100)), 1000));

    [Fact]
    public void A_message_may_be_as_long_as_there_are()
    {
        byte[] longest = [.. First, .. new byte[65535 - First.Length]];
        Assert.Equal((65537, FilterVerdict.Go), Follow(DnsMessages.Framed(longest), 5000));
    }

    private static (int Allowed, FilterVerdict Verdict) Follow(byte[] all, int step)
    {
        var follower = new DnsQueryFollower("a.example");
        var (allowed, here) = (0, 0);
        for (; ; )
        {
            here = Math.Min(all.Length, here + step);
            var verdict = follower.Check(all.AsSpan(allowed, here - allowed), out var more);
            allowed += more;
            if (verdict == FilterVerdict.Stop || here == all.Length)
            {
                return (allowed, verdict);
            }
        }
    }
}
