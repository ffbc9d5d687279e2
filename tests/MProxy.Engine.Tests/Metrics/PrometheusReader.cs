using System.Globalization;
using System.Text.RegularExpressions;

namespace MProxy.Engine.Tests.Metrics;

/// <summary>
/// Reads the texts that Prometheus reads, more strictly than it does: whatever the two formats do not allow, or leave to the reader, is an
/// error here. Timestamps and exemplars are not used, and refused.
/// </summary>
internal sealed partial class PrometheusReader
{
    private readonly bool _isOpenMetrics;
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);
    private readonly HashSet<string> _families = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _described = new(StringComparer.Ordinal);
    private readonly List<(string Name, string? Bound, string Series, double Value)> _current = [];

    private PrometheusReader(bool isOpenMetrics) => _isOpenMetrics = isOpenMetrics;

    private string Family => _described.GetValueOrDefault("name", "");

    /// <summary>The samples of a text, by name and labels as they are written.</summary>
    /// <exception cref="FormatException">The first thing that is wrong.</exception>
    public static IReadOnlyDictionary<string, double> Read(string text, bool isOpenMetrics = false)
    {
        var reader = new PrometheusReader(isOpenMetrics);
        reader.ReadAll(text);
        return reader._samples;
    }

    [GeneratedRegex("^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$", RegexOptions.Singleline)]
    private static partial Regex Description();

    [GeneratedRegex("""^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*)\})? (\S+)$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)",?""")]
    private static partial Regex Label();

    private static FormatException Wrong(string why, string line) => new($"{why}: {line}");

    private static double Number(string text, string line) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ when double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) => value,
        _ => throw Wrong("no number", line),
    };

    private void ReadAll(string text)
    {
        if (_isOpenMetrics)
        {
            const string end = "# EOF\n";
            if (!text.EndsWith(end, StringComparison.Ordinal))
            {
                throw Wrong("no end", text);
            }

            text = text[..^end.Length];
        }

        if (text.Length > 0 && text[^1] != '\n')
        {
            throw Wrong("the last line has no end", text);
        }

        foreach (var line in text.Split('\n')[..^1])
        {
            if (line.StartsWith('#'))
            {
                Describe(line);
            }
            else
            {
                Take(line);
            }
        }

        Finish();
    }

    private void Describe(string line)
    {
        var match = Description().Match(line);
        if (!match.Success || (match.Groups[1].Value == "UNIT" && !_isOpenMetrics))
        {
            throw Wrong("no description", line);
        }

        var (what, name, value) = (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value);
        if (name != Family)
        {
            Finish();
            _described["name"] = _families.Add(name) ? name : throw Wrong("a family is there twice", line);
        }

        if (_current.Count > 0 || !_described.TryAdd(what, value))
        {
            throw Wrong("described twice, or too late", line);
        }

        if ((what == "TYPE" && value is not ("counter" or "gauge" or "histogram")) || (what == "UNIT" && !name.EndsWith($"_{value}", StringComparison.Ordinal)))
        {
            throw Wrong("an unknown type, or a unit that the name does not end with", line);
        }

        // What is left of a backslash when pairs of them are gone escapes a line end, or, in one format alone, a quote that has to be escaped there.
        var single = value.Replace("\\\\", "", StringComparison.Ordinal).Replace("\\n", "", StringComparison.Ordinal);
        single = _isOpenMetrics ? single.Replace("\\\"", "", StringComparison.Ordinal) : single;
        if (what == "HELP" && (single.Contains('\\', StringComparison.Ordinal) || (_isOpenMetrics && single.Contains('"', StringComparison.Ordinal))))
        {
            throw Wrong("escaped wrongly", line);
        }
    }

    private void Take(string line)
    {
        var match = Sample().Match(line);
        if (!match.Success)
        {
            throw Wrong("no sample", line);
        }

        var labels = Label().Matches(match.Groups[2].Value).Select(label => (Name: label.Groups[1].Value, Value: label.Groups[2].Value)).ToList();
        if (labels.DistinctBy(label => label.Name).Count() != labels.Count)
        {
            throw Wrong("a label is there twice", line);
        }

        var value = Number(match.Groups[3].Value, line);
        if (!_samples.TryAdd(line[..line.LastIndexOf(' ')], value))
        {
            throw Wrong("a sample is there twice", line);
        }

        var bound = labels.Where(label => label.Name == "le").Select(label => label.Value).SingleOrDefault();
        var series = string.Join(',', labels.Where(label => label.Name != "le").OrderBy(label => label.Name, StringComparer.Ordinal));
        _current.Add((match.Groups[1].Value, bound, series, value));
    }

    /// <summary>A family is whole: its samples have the names and values of its type.</summary>
    private void Finish()
    {
        if (Family.Length == 0 && _current.Count == 0)
        {
            return;
        }

        if (!_described.ContainsKey("HELP") || !_described.TryGetValue("TYPE", out var type) || _current.Count == 0)
        {
            throw Wrong("a family without a description or samples", Family);
        }

        if (type == "histogram")
        {
            foreach (var series in _current.GroupBy(sample => sample.Series))
            {
                CheckHistogram([.. series]);
            }
        }
        else
        {
            var name = type == "counter" && _isOpenMetrics ? $"{Family}_total" : Family;
            if (type == "counter" != name.EndsWith("_total", StringComparison.Ordinal))
            {
                throw Wrong("counters end with _total, and nothing else does", name);
            }

            foreach (var sample in _current)
            {
                if (sample.Name != name || sample.Bound is not null || (type == "counter" && !(double.IsFinite(sample.Value) && sample.Value >= 0)))
                {
                    throw Wrong("no sample of its family", $"{sample}");
                }
            }
        }

        _described.Clear();
        _current.Clear();
    }

    private void CheckHistogram(List<(string Name, string? Bound, string Series, double Value)> samples)
    {
        var buckets = samples.TakeWhile(sample => sample.Name == $"{Family}_bucket").ToList();
        var rest = samples.Skip(buckets.Count).ToList();
        if (rest.Count != 2 || rest[0].Name != $"{Family}_sum" || rest[1].Name != $"{Family}_count" || rest.Any(sample => sample.Bound is not null))
        {
            throw Wrong("a histogram is buckets, a sum and a count", Family);
        }

        var bounds = buckets.Select(bucket => Number(bucket.Bound ?? "", Family)).ToList();
        if (bounds.Count == 0 || !double.IsPositiveInfinity(bounds[^1]) || buckets[^1].Value != rest[1].Value)
        {
            throw Wrong("the last bucket has everything", Family);
        }

        if (_isOpenMetrics && buckets[..^1].Any(bucket => !bucket.Bound!.AsSpan().ContainsAny('.', 'E')))
        {
            throw Wrong("a bound is a fraction", Family);
        }

        for (var i = 1; i < buckets.Count; i++)
        {
            if (bounds[i] <= bounds[i - 1] || buckets[i].Value < buckets[i - 1].Value)
            {
                throw Wrong("buckets go up", Family);
            }
        }
    }
}
