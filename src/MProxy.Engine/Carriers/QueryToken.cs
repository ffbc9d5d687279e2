namespace MProxy.Engine.Carriers;

/// <summary>The <c>access_token</c> parameter of a path and query: a secret, found in one place and blotted out in one place.</summary>
internal static class QueryToken
{
    private const string Name = "access_token";
    private const string Blot = "***";

    /// <summary>Its value, percent-decoded; null where there is none or it is empty. False where it is given more than once.</summary>
    public static bool TryFind(string pathAndQuery, out string? token)
    {
        var values = Pairs(pathAndQuery).Select(Split).Where(pair => IsToken(pair.Name)).Select(pair => pair.Value).ToArray();
        token = values is [{ Length: > 0 } value] ? Uri.UnescapeDataString(value) : null;
        return values.Length <= 1;
    }

    /// <summary>The same with every value of it replaced.</summary>
    public static string Redact(string pathAndQuery)
    {
        var pairs = Pairs(pathAndQuery);
        if (!Array.Exists(pairs, pair => IsToken(Split(pair).Name)))
        {
            return pathAndQuery;
        }

        var path = pathAndQuery[..pathAndQuery.IndexOf('?', StringComparison.Ordinal)];
        return $"{path}?{string.Join('&', pairs.Select(pair => Split(pair) is var (name, _) && IsToken(name) ? $"{name}={Blot}" : pair))}";
    }

    private static string[] Pairs(string pathAndQuery)
    {
        var query = pathAndQuery.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? [] : pathAndQuery[(query + 1)..].Split('&');
    }

    private static (string Name, string Value) Split(string pair)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (pair, "") : (pair[..equals], pair[(equals + 1)..]);
    }

    // Escaped and in capitals too: better one blotted out too many.
    private static bool IsToken(string name) => Uri.UnescapeDataString(name).Equals(Name, StringComparison.OrdinalIgnoreCase);
}
