using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MProxy.Engine.Tests.Access;

/// <summary>Lines of an access log that were read back.</summary>
internal sealed record AccessLines(IReadOnlyList<JsonElement> All)
{
    /// <summary>The numbers of the records.</summary>
    public int[] Numbers => [.. All.Where(line => line.TryGetProperty("name", out _)).Select(line => int.Parse(line.GetProperty("name").GetString()!, CultureInfo.InvariantCulture))];

    /// <summary>How many are missing by what the lines say.</summary>
    public long Dropped => All.Sum(DroppedIn);

    public static long DroppedIn(JsonElement line) => line.TryGetProperty("dropped", out var count) ? count.GetInt64() : 0;

    public static AccessLines Parse(byte[] bytes) => Parse(Encoding.Latin1.GetString(bytes));

    /// <summary>Fails where one is no JSON, or the last has no end.</summary>
    public static AccessLines Parse(string text)
    {
        var lines = text.Split('\n');
        Assert.Equal("", lines[^1]);
        return new AccessLines([.. lines[..^1].Select(line => JsonDocument.Parse(line).RootElement)]);
    }
}
