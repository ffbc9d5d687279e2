namespace MProxy.Engine.Tests.Simulation;

/// <summary>A promise was broken: the message says which, and to whom.</summary>
internal sealed class SimulationException(string message) : Exception(message);
