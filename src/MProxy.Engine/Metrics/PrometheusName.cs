using System.Text;

namespace MProxy.Engine.Metrics;

/// <summary>What Prometheus calls a metric, by OpenTelemetry's rules for the two to understand each other.</summary>
internal static class PrometheusName
{
    /// <summary>A unit in words: <c>s</c> is <c>seconds</c>, <c>By/s</c> is <c>bytes_per_second</c>. Empty where it counts things: <c>{client}</c>.</summary>
    public static string Unit(string unit)
    {
        var parts = unit.Split('/', 2);
        return parts is [var over, var per] && Word(per) is { Length: > 0 } words ? $"{Word(over)}_per_{words.TrimEnd('s')}".TrimStart('_') : Word(parts[0]);
    }

    /// <summary>The name of a metric: letters, digits and underscores, and its unit at the end.</summary>
    public static string Metric(string name, string unit)
    {
        var plain = Clean(name);
        var word = Unit(unit);
        return word.Length == 0 || plain == word || plain.EndsWith($"_{word}", StringComparison.Ordinal) ? plain : $"{plain}_{word}";
    }

    /// <summary>The name of a label.</summary>
    public static string Label(string name) => Clean(name);

    private static string Clean(string name)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterOrDigit(letter) && !(text.Length == 0 && char.IsAsciiDigit(letter)))
            {
                text.Append(letter);
            }
            else if (text.Length == 0 || text[^1] != '_')
            {
                text.Append('_').Append(char.IsAsciiDigit(letter) ? letter.ToString() : "");
            }
        }

        return text.ToString();
    }

    private static string Word(string unit) => unit switch
    {
        "ns" => "nanoseconds",
        "us" => "microseconds",
        "ms" => "milliseconds",
        "s" => "seconds",
        "min" => "minutes",
        "h" => "hours",
        "d" => "days",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "%" => "percent",
        "1" => "ratio",
        ['{', ..] => "",
        _ => Clean(unit).Trim('_'),
    };
}
