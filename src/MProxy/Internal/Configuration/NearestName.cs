namespace MProxy.Internal.Configuration;

/// <summary>Finds the name that somebody may have meant.</summary>
internal static class NearestName
{
    /// <summary>
    /// The name that takes the fewest changed, missing, added or swapped letters, at most a third of the word's, or that alone starts with it; null for none.
    /// </summary>
    public static string? Find(string word, IReadOnlyCollection<string> names)
    {
        var most = Math.Max(1, word.Length / 3);
        var (nearest, distance) = names.Where(name => Math.Abs(name.Length - word.Length) <= most)
            .Select(name => (name, Distance(word.ToUpperInvariant(), name.ToUpperInvariant())))
            .DefaultIfEmpty(("", int.MaxValue)).MinBy(found => found.Item2);
        return distance <= most ? nearest
            : word.Length > 2 && names.Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Take(2).ToArray() is [var only] ? only
            : null;
    }

    private static int Distance(string left, string right)
    {
        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            for (var j = 0; j <= right.Length; j++)
            {
                rows[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[left.Length, right.Length];
    }
}
