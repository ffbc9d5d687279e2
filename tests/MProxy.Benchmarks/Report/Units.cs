namespace MProxy.Benchmarks.Report;

/// <summary>What figures are counted in.</summary>
internal static class Units
{
    public const double Kibi = 1 << 10;
    public const double Mebi = 1 << 20;
    public const double Gibi = 1 << 30;
    public const double MillisecondsPerSecond = 1e3;
    public const double MicrosecondsPerSecond = 1e6;
}
