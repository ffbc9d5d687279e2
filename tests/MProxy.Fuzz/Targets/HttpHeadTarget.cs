using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Fuzz.Targets;

/// <summary>The reader of HTTP heads and the follower of requests: drops change nothing, and nothing of a request for another host goes on.</summary>
internal static class HttpHeadTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        var (status, head) = HttpRequestHead.Read(input);
        FuzzTargets.Require((status == HttpHeadStatus.Complete) == (head is not null), "A head without its status.");
        if (head is not null)
        {
            FuzzTargets.Require(head.Length <= input.Length && input[..head.Length].EndsWith("\r\n\r\n"u8), "A head that does not end where it ends.");
            FuzzTargets.Require(HttpRequestHead.Read(input[..head.Length]).Status == HttpHeadStatus.Complete, "A head that needs what is behind it.");
            FuzzTargets.Require(HttpRequestHead.Read(input[..(head.Length - 1)]).Status == HttpHeadStatus.Incomplete, "A head that does not need its end.");
        }

        var whole = Follow(input, null);
        var pieces = Follow(input, FuzzTargets.CutsOf(input));
        FuzzTargets.Require(whole == pieces, "Drops change what goes on.");
        FuzzTargets.Require(!HasOtherHost(input[..whole.Allowed]), "A request for another host goes on.");
    }

    private static (FilterVerdict Verdict, int Allowed) Follow(ReadOnlySpan<byte> input, Random? cuts)
    {
        var follower = new HttpRequestFollower("h", host => host == "-" ? null : host.ToLowerInvariant());
        var total = 0;
        var verdict = FilterVerdict.Go;
        for (var length = 0; length < input.Length && verdict is not (FilterVerdict.Stop or FilterVerdict.Wait);)
        {
            length += cuts is null ? input.Length : cuts.Next(1, Math.Min(input.Length - length, 64) + 1);
            verdict = follower.Check(input[total..length], out var allowed);
            FuzzTargets.Require(allowed <= length - total, "More goes on than is there.");
            total += allowed;
        }

        return (verdict, total);
    }

    /// <summary>A head that starts what went on, and is not for the host of the connection, whatever port it names.</summary>
    private static bool HasOtherHost(ReadOnlySpan<byte> allowed) =>
        HttpRequestHead.Read(allowed).Head is { } head && !string.Equals((head.Authority ?? "").Split(':')[0], "h", StringComparison.OrdinalIgnoreCase);
}
