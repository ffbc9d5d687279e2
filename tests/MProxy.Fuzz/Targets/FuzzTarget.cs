namespace MProxy.Fuzz.Targets;

/// <summary>Takes bytes of a stranger apart, and throws where a promise about them is broken.</summary>
internal delegate void FuzzTarget(ReadOnlySpan<byte> input);
