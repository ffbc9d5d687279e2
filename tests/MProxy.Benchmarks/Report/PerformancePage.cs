namespace MProxy.Benchmarks.Report;

/// <summary>
/// docs/performance.md: what is written by hand stays, and what stands between the marks of a group is what was measured last.
/// </summary>
/// <param name="folder">The folder docs.</param>
internal sealed class PerformancePage(string folder)
{
    private readonly string _path = Path.Combine(folder, "performance.md");

    /// <summary>Puts a group's figures between its marks.</summary>
    /// <exception cref="InvalidDataException">The page has no such marks.</exception>
    public void Write(GroupReport group, string machine)
    {
        var (begin, end) = ($"<!-- {group.Name}: begin -->", $"<!-- {group.Name}: end -->");
        var page = File.ReadAllText(_path);
        var (from, to) = (page.IndexOf(begin, StringComparison.Ordinal), page.IndexOf(end, StringComparison.Ordinal));
        if (from < 0 || to < from)
        {
            throw new InvalidDataException($"{_path} has no place for the group '{group.Name}': add the lines {begin} and {end}.");
        }

        var picture = "";
        if (Chart.Of(group) is { } chart)
        {
            Directory.CreateDirectory(Path.Combine(folder, "performance"));
            File.WriteAllText(Path.Combine(folder, "performance", $"{group.Name}.svg"), chart);
            picture = $"![{group.Name}](performance/{group.Name}.svg)\n\n";
        }

        File.WriteAllText(_path, $"{page[..from]}{begin}\n{machine}\n\n{picture}{Markdown.Of(group)}{page[to..]}");
    }
}
