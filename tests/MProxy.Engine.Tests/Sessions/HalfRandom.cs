namespace MProxy.Engine.Tests.Sessions;

/// <summary>Every random wait is half of what it may be.</summary>
internal sealed class HalfRandom : Random
{
    public override double NextDouble() => 0.5;

    public override int Next(int minValue, int maxValue) => minValue;
}
