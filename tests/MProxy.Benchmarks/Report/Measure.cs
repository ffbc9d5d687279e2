namespace MProxy.Benchmarks.Report;

/// <summary>Something that is measured of every peer in the same way.</summary>
/// <param name="Name">What it is, as a row of the report names it.</param>
/// <param name="Unit">Of the figures.</param>
/// <param name="Better">Which way is better.</param>
/// <param name="IsCharted">It has a panel in its group's chart.</param>
internal sealed record Measure(string Name, string Unit, Better Better, bool IsCharted = false);

/// <summary>Which way is better.</summary>
internal enum Better
{
    /// <summary>A rate.</summary>
    Higher,

    /// <summary>A cost.</summary>
    Lower,
}
