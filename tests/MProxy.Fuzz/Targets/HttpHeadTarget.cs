using MProxy.Engine.Http;

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

        var whole = Following.Run(Follower(), input, null);
        var pieces = Following.Run(Follower(), input, FuzzTargets.CutsOf(input));
        FuzzTargets.Require(whole == pieces, "Drops change what goes on.");
        FuzzTargets.Require(!HasOtherHost(input[..whole.Allowed]), "A request for another host goes on.");
    }

    private static HttpRequestFollower Follower() => new("h", host => host == "-" ? null : host.ToLowerInvariant());

    /// <summary>A head that starts what went on, and is not for the host of the connection, whatever port it names.</summary>
    private static bool HasOtherHost(ReadOnlySpan<byte> allowed) =>
        HttpRequestHead.Read(allowed).Head is { } head && !string.Equals((head.Authority ?? "").Split(':')[0], "h", StringComparison.OrdinalIgnoreCase);
}
