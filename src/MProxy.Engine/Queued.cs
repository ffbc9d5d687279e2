namespace MProxy.Engine;

/// <summary>What comes out of a <see cref="DroppingQueue{T}"/>.</summary>
/// <param name="Item">What was added.</param>
/// <param name="Time">When: never before the one ahead of it.</param>
/// <param name="DroppedBefore">How many were left out right before this one.</param>
internal readonly record struct Queued<T>(T Item, DateTimeOffset Time, long DroppedBefore);
