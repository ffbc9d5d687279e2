using System.Text.Json;

namespace MProxy.Tokens;

/// <summary>JSON of strangers, read strictly.</summary>
internal static class JsonMembers
{
    /// <summary>The members of an object; null for what is no JSON object, or names a member twice: readers differ in which one counts.</summary>
    public static IReadOnlyDictionary<string, JsonElement>? Read(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (!members.TryAdd(member.Name, member.Value.Clone()))
                {
                    return null;
                }
            }

            return members;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A string's text; null for other values, and for text with half a surrogate pair or bytes that are no UTF-8.</summary>
    public static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
