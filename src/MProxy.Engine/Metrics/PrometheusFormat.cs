using System.Globalization;

namespace MProxy.Engine.Metrics;

/// <summary>One of the two texts that Prometheus reads.</summary>
/// <param name="IsOpenMetrics">OpenMetrics 1.0.0; otherwise the text format 0.0.4.</param>
/// <param name="ContentType">What the answer says that it is.</param>
internal sealed record PrometheusFormat(bool IsOpenMetrics, string ContentType)
{
    public static readonly PrometheusFormat Text = new(false, "text/plain; version=0.0.4; charset=utf-8");

    public static readonly PrometheusFormat OpenMetrics = new(true, "application/openmetrics-text; version=1.0.0; charset=utf-8");

    private const string OpenMetricsType = "application/openmetrics-text";

    /// <summary>The one that an Accept header likes better: OpenMetrics only where it is named.</summary>
    public static PrometheusFormat Choose(string? accept)
    {
        double openMetrics = 0;
        double text = 0;
        foreach (var range in (accept ?? "").Split(','))
        {
            var parts = range.Split(';', StringSplitOptions.TrimEntries);
            var type = parts[0].ToLowerInvariant();
            var version = Parameter(parts, "version");
            if (type == OpenMetricsType && version is null or "1.0.0")
            {
                openMetrics = Math.Max(openMetrics, Weight(parts));
            }
            else if (type is "text/plain" or "text/*" or "*/*")
            {
                text = Math.Max(text, Weight(parts));
            }
        }

        return openMetrics > 0 && openMetrics >= text ? OpenMetrics : Text;
    }

    private static string? Parameter(string[] parts, string name) =>
        (from part in parts.Skip(1)
         let pair = part.Split('=', 2)
         where pair.Length == 2 && pair[0].Equals(name, StringComparison.OrdinalIgnoreCase)
         select pair[1].Trim('"')).FirstOrDefault();

    private static double Weight(string[] parts) => Parameter(parts, "q") is not { } text ? 1
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight) ? weight
        : 0;
}
