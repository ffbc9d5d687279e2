namespace MProxy.Fuzz.Targets;

/// <summary>All that reads what a stranger wrote, by name. Each is given any bytes, and its promises are checked, not only that it stays alive.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new SortedDictionary<string, FuzzTarget>(StringComparer.Ordinal)
    {
        ["clienthello"] = ClientHelloTarget.Run,
        ["control"] = ControlTarget.Run,
        ["dns"] = DnsTarget.Run,
        ["frames"] = FramesTarget.Run,
        ["httphead"] = HttpHeadTarget.Run,
        ["proxyheader"] = ProxyHeaderTarget.Run,
        ["session"] = SessionTarget.Run,
        ["upgrade"] = UpgradeTarget.Run,
    };

    /// <summary>A promise does not hold.</summary>
    /// <exception cref="InvalidOperationException">Always, where the condition is false.</exception>
    public static void Require(bool condition, string promise)
    {
        if (!condition)
        {
            throw new InvalidOperationException(promise);
        }
    }

    /// <summary>Where an input is cut into pieces: told by the input itself, so that it always is the same.</summary>
    public static Random CutsOf(ReadOnlySpan<byte> input)
    {
        var seed = input.Length;
        foreach (var value in input)
        {
            seed = unchecked((seed * 31) + value);
        }

        return new Random(seed);
    }
}
