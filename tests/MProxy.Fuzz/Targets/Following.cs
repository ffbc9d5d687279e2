using MProxy.Engine.Link;

namespace MProxy.Fuzz.Targets;

/// <summary>Shows a filter what a client sends, as a relay would: what is not allowed yet is shown again.</summary>
internal static class Following
{
    /// <summary>What became of an input.</summary>
    /// <param name="filter">The filter, of a connection that has just begun.</param>
    /// <param name="input">What the client sends.</param>
    /// <param name="cuts">Where it comes in pieces; null for all at once.</param>
    public static (FilterVerdict Verdict, int Allowed) Run(IClientFilter filter, ReadOnlySpan<byte> input, Random? cuts)
    {
        var total = 0;
        var verdict = FilterVerdict.Go;
        for (var length = 0; length < input.Length && verdict is not (FilterVerdict.Stop or FilterVerdict.Wait);)
        {
            length += cuts is null ? input.Length : cuts.Next(1, Math.Min(input.Length - length, 64) + 1);
            verdict = filter.Check(input[total..length], out var allowed);
            FuzzTargets.Require(allowed <= length - total, "More goes on than is there.");
            total += allowed;
        }

        return (verdict, total);
    }
}
