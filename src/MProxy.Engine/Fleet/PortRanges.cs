using System.Globalization;
using System.Text;

namespace MProxy.Engine.Fleet;

/// <summary>Ports as relays tell each other of them: <c>8022,9000-9099</c>.</summary>
internal static class PortRanges
{
    // Every other port there is.
    private const int MaxParts = 1 << 15;

    /// <summary>The text of ports.</summary>
    public static string Write(IEnumerable<int> ports)
    {
        var text = new StringBuilder();
        int? first = null;
        var last = -1;
        foreach (var port in ports.Order().Append(int.MaxValue))
        {
            if (first is { } begin && port == last + 1)
            {
                last = port;
                continue;
            }

            if (first is { } start)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? "," : "")}{start}{(last > start ? $"-{last}" : "")}");
            }

            (first, last) = (port, port);
        }

        return text.ToString();
    }

    /// <summary>Reads that. What is none is left out: another relay has written it, and none of its mistakes is to end this one.</summary>
    public static IReadOnlySet<int> Read(string? text)
    {
        HashSet<int> ports = [];
        foreach (var part in (text ?? "").Split(',', MaxParts, StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-');
            if (ends.Length <= 2
                && ushort.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
                && ushort.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var to)
                && ports.Count <= ushort.MaxValue)
            {
                ports.UnionWith(Enumerable.Range(from, Math.Max(0, to - from + 1)));
            }
        }

        return ports;
    }
}
