using System.Globalization;

namespace MProxy.Benchmarks.Report;

/// <summary>Numbers as a reader likes them: three digits that mean something.</summary>
internal static class Figure
{
    public static string Text(double value) => value switch
    {
        0 => "0",
        >= 10_000 => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' '),
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.1 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    public static string Ratio(double value) => $"{Text(value)}×";

    public static string Text(Target target)
    {
        var sign = target.Measure.Better == Better.Higher ? "≥" : "≤";
        return target.Peer is null ? $"{sign} {Text(target.Bound)} {target.Measure.Unit}" : $"{sign} {Ratio(target.Bound)} {target.Peer}";
    }
}
