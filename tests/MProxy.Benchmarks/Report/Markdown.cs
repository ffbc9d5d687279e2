using System.Text;

namespace MProxy.Benchmarks.Report;

/// <summary>A group's tables: all figures, and those that something is asked of.</summary>
internal static class Markdown
{
    public static string Of(GroupReport group)
    {
        var text = new StringBuilder();
        Row(text, ["measure", .. group.Peers]);
        Row(text, ["---", .. group.Peers.Select(_ => "---:")]);
        foreach (var measure in group.Measures)
        {
            Row(text, [$"{measure.Name}, {measure.Unit}", .. group.Peers.Select(peer => Cell(group.Find(measure, peer)))]);
        }

        if (group.Targets.Any(target => group.Reached(target) is not null))
        {
            text.AppendLine();
            Row(text, ["measure", "whose", "asked for", "seen", ""]);
            Row(text, ["---", "---", "---:", "---:", "---"]);
            foreach (var target in group.Targets)
            {
                if (group.Reached(target) is { } reached)
                {
                    Row(text, [target.Measure.Name, target.Subject, Figure.Text(target), Seen(target, reached), IsMet(target, reached) ? "met" : "**missed**"]);
                }
            }
        }

        if (group.Notes.Count > 0)
        {
            text.AppendLine();
            group.Notes.ToList().ForEach(note => text.AppendLine("- " + note));
        }

        return text.ToString();
    }

    private static bool IsMet(Target target, double reached) => target.Measure.Better == Better.Higher ? reached >= target.Bound : reached <= target.Bound;

    private static string Seen(Target target, double reached) => target.Peer is null ? Figure.Text(reached) : Figure.Ratio(reached);

    private static string Cell(Samples? samples) => samples switch
    {
        null => "–",
        { Count: 1 } => Figure.Text(samples.Median),
        _ => $"**{Figure.Text(samples.Median)}** ({Figure.Text(samples.Least)}–{Figure.Text(samples.Most)})",
    };

    private static void Row(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");
}
