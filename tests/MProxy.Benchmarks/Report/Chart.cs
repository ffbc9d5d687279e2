using System.Globalization;
using System.Net;
using System.Text;

namespace MProxy.Benchmarks.Report;

/// <summary>A group's chart, as SVG: a panel for each measure that has one, with a bar for each peer.</summary>
internal static class Chart
{
    private const int Width = 720;
    private const int LabelWidth = 170;
    private const int BarHeight = 16;
    private const int TitleHeight = 26;
    private const int Gap = 12;
    private const int FigureWidth = 70;

    /// <summary>The chart; null where no measure has a panel.</summary>
    public static string? Of(GroupReport group)
    {
        var panels = group.Measures.Where(measure => measure.IsCharted).ToList();
        if (panels.Count == 0)
        {
            return null;
        }

        var body = new StringBuilder();
        var y = Gap;
        foreach (var measure in panels)
        {
            y = Panel(body, group, measure, y);
        }

        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{y}" viewBox="0 0 {Width} {y}" font-family="system-ui, sans-serif" font-size="12">
            <style>.ours {"{"} fill: #2563eb {"}"} .peer {"{"} fill: #94a3b8 {"}"} text {"{"} fill: #334155 {"}"} @media (prefers-color-scheme: dark) {"{"} text {"{"} fill: #cbd5e1 {"}"} {"}"}</style>
            {body}</svg>

            """;
    }

    private static int Panel(StringBuilder body, GroupReport group, Measure measure, int y)
    {
        var bars = group.Peers.Select(peer => (peer, group.Find(measure, peer)?.Median)).Where(bar => bar.Median is not null).ToList();
        var most = bars.Max(bar => bar.Median!.Value);
        var better = measure.Better == Better.Higher ? "more is better" : "less is better";
        body.AppendLine(CultureInfo.InvariantCulture, $"""<text x="0" y="{y + 14}" font-weight="600">{Plain(measure.Name)}, {Plain(measure.Unit)} ({better})</text>""");
        y += TitleHeight;
        foreach (var (peer, median) in bars)
        {
            var length = most > 0 ? (int)(median!.Value / most * (Width - LabelWidth - FigureWidth)) : 0;
            var kind = Names.IsOurs(peer) ? "ours" : "peer";
            body.AppendLine(CultureInfo.InvariantCulture, $"""<text x="{LabelWidth - 8}" y="{y + 12}" text-anchor="end">{Plain(peer)}</text><rect class="{kind}" x="{LabelWidth}" y="{y}" width="{Math.Max(length, 1)}" height="{BarHeight - 4}"/><text x="{LabelWidth + Math.Max(length, 1) + 6}" y="{y + 11}">{Figure.Text(median!.Value)}</text>""");
            y += BarHeight;
        }

        return y + Gap;
    }

    private static string Plain(string text) => WebUtility.HtmlEncode(text);
}
