namespace MProxy.Fuzz;

/// <summary>What came of a run.</summary>
/// <param name="Executions">How many inputs were run.</param>
/// <param name="Elapsed">How long that took.</param>
/// <param name="Edges">How many edges of the instrumented code were taken, as AFL counts them.</param>
/// <param name="Kept">How many inputs take all of them.</param>
/// <param name="Crashes">How many broke a promise.</param>
internal sealed record RunResult(long Executions, TimeSpan Elapsed, int Edges, int Kept, int Crashes);
