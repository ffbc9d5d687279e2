using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using MProxy.Engine.Metrics;

namespace MProxy.Engine.Tests.Metrics;

public partial class MetricPageTests
{
    [Fact]
    public void The_page_has_every_metric_with_its_kind_and_unit_and_no_other()
    {
        List<string> instruments = [];
        using (var listener = new MeterListener())
        {
            listener.InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == EngineMeter.Meter)
                {
                    instruments.Add($"{instrument.Name} {KindOf(instrument)} {instrument.Unit}");
                }
            };
            listener.Start();
        }

        var page = File.ReadAllText(Path.Combine(Root(), "docs", "metrics.md"));
        var rows = Row().Matches(page).Select(row => $"{row.Groups[1].Value} {row.Groups[2].Value} {row.Groups[3].Value}");
        Assert.Equal(instruments.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `(mproxy[^`]+)` \| ([a-z ]+) \| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    private static string KindOf(Instrument instrument) => instrument.GetType().GetGenericTypeDefinition().Name.Replace("Observable", "", StringComparison.Ordinal) switch
    {
        "UpDownCounter`1" => "up and down",
        var name => name[..^2].ToLowerInvariant(),
    };

    /// <summary>The repository, found from where the tests were built.</summary>
    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MProxy.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
