namespace MProxy.Engine.Fleet;

/// <summary>How many new clients a relay has let in between two of its beats.</summary>
/// <param name="Number">Tells it from what was said before: one more each time, from 1 when the relay starts.</param>
/// <param name="OfAddress">The addresses that so many came from that it counts elsewhere, each with how many.</param>
public sealed record NewClients(long Number, IReadOnlyDictionary<string, int> OfAddress);
