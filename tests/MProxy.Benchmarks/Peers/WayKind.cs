namespace MProxy.Benchmarks.Peers;

/// <summary>What a way is like.</summary>
/// <param name="OneWay">How long a byte is on it.</param>
/// <param name="BytesPerSecond">What fits through each way; 0 for any.</param>
internal readonly record struct WayKind(TimeSpan OneWay = default, int BytesPerSecond = 0)
{
    public static readonly WayKind Far = new(TimeSpan.FromMilliseconds(25));

    /// <summary>20 Mbit/s, as of many an office or home.</summary>
    public static readonly WayKind Narrow = new(BytesPerSecond: 2_500_000);
}
