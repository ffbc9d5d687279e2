namespace MProxy.Engine.Tests.Flow;

/// <summary>Tests that measure run one after another, when nothing else does.</summary>
[CollectionDefinition("measured", DisableParallelization = true)]
public sealed class Measured;
