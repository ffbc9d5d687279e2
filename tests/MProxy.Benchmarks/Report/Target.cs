namespace MProxy.Benchmarks.Report;

/// <summary>What a figure has to reach: at least, where higher is better, and at most, where lower is.</summary>
/// <param name="Measure">The measure.</param>
/// <param name="Subject">Whose figure.</param>
/// <param name="Peer">Of whose figure it is a share; null where it stands by itself.</param>
/// <param name="Bound">The share, or the figure.</param>
internal sealed record Target(Measure Measure, string Subject, string? Peer, double Bound);
