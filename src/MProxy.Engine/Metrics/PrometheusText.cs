using System.Globalization;
using System.Text;

namespace MProxy.Engine.Metrics;

/// <summary>Writes metrics as text: the format 0.0.4 of Prometheus, or OpenMetrics 1.0.0. The same metrics are always the same text.</summary>
internal sealed class PrometheusText
{
    private const string TotalSuffix = "_total";

    private readonly StringBuilder _text = new();
    private readonly Dictionary<string, string> _labelNames = new(StringComparer.Ordinal);
    private readonly bool _isOpenMetrics;

    private PrometheusText(PrometheusFormat format) => _isOpenMetrics = format.IsOpenMetrics;

    public static string Render(IEnumerable<MetricFamily> families, PrometheusFormat format)
    {
        var writer = new PrometheusText(format);
        foreach (var family in families)
        {
            writer.Add(family);
        }

        return writer._text.Append(format.IsOpenMetrics ? "# EOF\n" : "").ToString();
    }

    private static string Escape(string text, bool withQuotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return withQuotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : double.IsNaN(value) ? "NaN"
        : value.ToString(CultureInfo.InvariantCulture);

    private void Add(MetricFamily family)
    {
        var name = PrometheusName.Metric(family.Name, family.Unit);
        name = family.Kind == MetricKind.Counter && name.EndsWith(TotalSuffix, StringComparison.Ordinal) ? name[..^TotalSuffix.Length] : name;
        var total = family.Kind == MetricKind.Counter ? name + TotalSuffix : name;

        // OpenMetrics describes a counter by its name without the suffix, the older format with it.
        Describe(family, _isOpenMetrics ? name : total);
        foreach (var series in family.Series)
        {
            var labels = Labels(series.Tags);
            if (family.Kind == MetricKind.Histogram)
            {
                AddHistogram(name, labels, series);
            }
            else
            {
                AddSample(total, "", labels, series.Value);
            }
        }
    }

    private void Describe(MetricFamily family, string name)
    {
        var unit = PrometheusName.Unit(family.Unit);
        _text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Description, withQuotes: _isOpenMetrics)).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(family.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Gauge => "gauge",
            _ => "histogram",
        }).Append('\n');
        if (_isOpenMetrics && unit.Length > 0)
        {
            _text.Append("# UNIT ").Append(name).Append(' ').Append(unit).Append('\n');
        }
    }

    private void AddHistogram(string name, string labels, MetricSeries series)
    {
        long count = 0;
        for (var i = 0; i < series.Counts.Count; i++)
        {
            count += series.Counts[i];
            var bound = i < series.Bounds.Count ? Number(series.Bounds[i]) : "+Inf";

            // OpenMetrics has one way to write a bound, as a fraction.
            bound += _isOpenMetrics && bound.All(char.IsAsciiDigit) ? ".0" : "";
            AddSample(name, "_bucket", labels, count, bound);
        }

        AddSample(name, "_sum", labels, series.Value);
        AddSample(name, "_count", labels, count);
    }

    private void AddSample(string name, string suffix, string labels, double value, string? bound = null)
    {
        _text.Append(name).Append(suffix);
        if (labels.Length > 0 || bound is not null)
        {
            _text.Append('{').Append(labels).Append(labels.Length > 0 && bound is not null ? "," : "");
            if (bound is not null)
            {
                _text.Append("le=\"").Append(bound).Append('"');
            }

            _text.Append('}');
        }

        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private string Labels(IEnumerable<KeyValuePair<string, string>> tags) =>
        string.Join(',', tags.Select(tag => $"{LabelName(tag.Key)}=\"{Escape(tag.Value, withQuotes: true)}\""));

    /// <summary>A few names come again and again.</summary>
    private string LabelName(string name) => _labelNames.TryGetValue(name, out var known) ? known : _labelNames[name] = PrometheusName.Label(name);
}
