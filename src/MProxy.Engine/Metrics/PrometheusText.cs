using System.Globalization;
using System.Text;

namespace MProxy.Engine.Metrics;

/// <summary>Writes metrics as text: the format 0.0.4 of Prometheus, or OpenMetrics 1.0.0. Pure: the same metrics are always the same text.</summary>
internal static class PrometheusText
{
    private const string BoundLabel = "le";
    private const string TotalSuffix = "_total";

    public static string Render(IEnumerable<MetricFamily> families, PrometheusFormat format)
    {
        var text = new StringBuilder();
        foreach (var family in families)
        {
            AppendFamily(text, family, format.IsOpenMetrics);
        }

        return text.Append(format.IsOpenMetrics ? "# EOF\n" : "").ToString();
    }

    private static void AppendFamily(StringBuilder text, MetricFamily family, bool isOpenMetrics)
    {
        var name = PrometheusName.Metric(family.Name, family.Unit);
        name = family.Kind == MetricKind.Counter && name.EndsWith(TotalSuffix, StringComparison.Ordinal) ? name[..^TotalSuffix.Length] : name;
        var total = family.Kind == MetricKind.Counter ? name + TotalSuffix : name;

        // OpenMetrics describes a counter by its name without the suffix, the older format with it.
        var described = isOpenMetrics ? name : total;
        var unit = PrometheusName.Unit(family.Unit);
        text.Append("# HELP ").Append(described).Append(' ').Append(Escape(family.Description, withQuotes: isOpenMetrics)).Append('\n');
        text.Append("# TYPE ").Append(described).Append(' ').Append(family.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Gauge => "gauge",
            _ => "histogram",
        }).Append('\n');
        if (isOpenMetrics && unit.Length > 0)
        {
            text.Append("# UNIT ").Append(described).Append(' ').Append(unit).Append('\n');
        }

        foreach (var series in family.Series)
        {
            var labels = Labels(series.Tags);
            if (family.Kind == MetricKind.Histogram)
            {
                AppendHistogram(text, name, labels, series, isOpenMetrics);
            }
            else
            {
                AppendSample(text, total, labels, series.Value);
            }
        }
    }

    private static void AppendHistogram(StringBuilder text, string name, string labels, MetricSeries series, bool isOpenMetrics)
    {
        long count = 0;
        for (var i = 0; i < series.Counts.Count; i++)
        {
            count += series.Counts[i];
            var bound = i < series.Bounds.Count ? Number(series.Bounds[i]) : "+Inf";

            // OpenMetrics has one way to write a bound, as a fraction.
            bound += isOpenMetrics && bound.All(char.IsAsciiDigit) ? ".0" : "";
            AppendSample(text, $"{name}_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}{BoundLabel}=\"{bound}\"", count);
        }

        AppendSample(text, $"{name}_sum", labels, series.Value);
        AppendSample(text, $"{name}_count", labels, count);
    }

    private static void AppendSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(IEnumerable<KeyValuePair<string, string>> tags) =>
        string.Join(',', tags.Select(tag => $"{PrometheusName.Label(tag.Key)}=\"{Escape(tag.Value, withQuotes: true)}\""));

    private static string Escape(string text, bool withQuotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return withQuotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : double.IsNaN(value) ? "NaN"
        : value.ToString(CultureInfo.InvariantCulture);
}
