namespace MProxy.Engine.Tests.Lies;

/// <summary>One thing that a liar does. A new one is a line in one of the lists in <c>Moves</c>.</summary>
/// <param name="Name">What it does, for whoever reads of a seed that failed.</param>
/// <param name="DoAsync">Does it.</param>
internal sealed record LyingMove(string Name, Func<Liar, Task> DoAsync)
{
    /// <summary>Only a peer in this role does it; null for both.</summary>
    public bool? AsRelay { get; init; }

    /// <summary>Only over a WebSocket.</summary>
    public bool NeedsWebSocket { get; init; }

    /// <summary>What follows it is hardly read: few of many moves.</summary>
    public bool IsLast { get; init; }

    public bool IsFor(Liar liar) => (AsRelay ?? liar.IsRelay) == liar.IsRelay && (!NeedsWebSocket || liar.IsWebSocket);
}
