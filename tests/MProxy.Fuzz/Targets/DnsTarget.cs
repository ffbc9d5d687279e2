using MProxy.Engine.Routing;

namespace MProxy.Fuzz.Targets;

/// <summary>The reader of DNS questions and the follower of those over TCP: more bytes change no question, drops change nothing.</summary>
internal static class DnsTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        var query = DnsQuery.TryRead(input, out var needsMore);
        FuzzTargets.Require(query is null || !needsMore, "A question that is there needs more.");
        if (query is not null)
        {
            FuzzTargets.Require(query.QuestionEnd <= input.Length && query.QuestionEnd <= DnsQuery.MaxQuestionEnd, "A question that ends behind its end.");
            FuzzTargets.Require(DnsQuery.TryRead(input[..query.QuestionEnd], out _) == query, "A question that needs what is behind it.");
            FuzzTargets.Require(DnsQuery.TryRead(input[..(query.QuestionEnd - 1)], out var asksForMore) is null && asksForMore, "A question that does not need its end.");
            FuzzTargets.Require(query.Name is null or DnsQuery.NoName || ServerName.TryFold(query.Name) == query.Name, "A name is none.");
        }

        FuzzTargets.Require(Following.Run(Follower(), input, null) == Following.Run(Follower(), input, FuzzTargets.CutsOf(input)), "Drops change what goes on.");
    }

    private static DnsQueryFollower Follower() => new("a.test");
}
