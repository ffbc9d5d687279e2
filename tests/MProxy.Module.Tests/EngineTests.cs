namespace MProxy.Module.Tests;

/// <summary>Tests that use the PowerShell engine run one after another: its module tables are the process's.</summary>
[CollectionDefinition("engine", DisableParallelization = true)]
public sealed class EngineTests;
