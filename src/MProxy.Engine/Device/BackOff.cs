namespace MProxy.Engine.Device;

/// <summary>How long to wait before dialling again: exponential with full jitter, so that a thousand devices do not come back in one instant.</summary>
internal sealed class BackOff(TimeSpan most, TimeSpan stableAfter, Random random)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);

    private int _failures;

    /// <param name="wasUpFor">How long the link that was lost had been up; zero where it never was.</param>
    public TimeSpan Next(TimeSpan wasUpFor)
    {
        if (wasUpFor >= stableAfter)
        {
            _failures = 0;
        }

        var bound = Math.Min(most.TotalSeconds, First.TotalSeconds * Math.Pow(2, _failures));
        _failures = Math.Min(_failures + 1, 30);
        return TimeSpan.FromSeconds(bound * random.NextDouble());
    }
}
