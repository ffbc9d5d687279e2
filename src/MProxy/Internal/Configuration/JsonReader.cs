using System.Text;
using System.Text.Json;

namespace MProxy.Internal.Configuration;

/// <summary>Reads JSON with comments and trailing commas, and remembers the line of each key.</summary>
internal static class JsonReader
{
    /// <exception cref="ConfigurationException">It is no JSON, no object, or too much of it.</exception>
    public static ConfigurationTable Read(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var lines = new LineCounter(bytes);
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ConfigurationException(lines.At(reader.TokenStartIndex), "the file has to be an object: { }.");
            }

            var table = ReadTable(ref reader, lines, new ConfigurationBounds());

            // Anything behind it is an error of the reader's own.
            reader.Read();
            return table;
        }
        catch (JsonException error)
        {
            // Its message quotes what is there, which may be a secret.
            throw new ConfigurationException((int)(error.LineNumber ?? 0) + 1,
                $"this is no JSON, from column {(error.BytePositionInLine ?? 0) + 1} on: keys and texts stand in double quotes, entries are separated by commas.");
        }
        catch (InvalidOperationException)
        {
            throw new ConfigurationException(lines.At(reader.TokenStartIndex), "a text has half of a surrogate pair in it.");
        }
    }

    private static ConfigurationTable ReadTable(ref Utf8JsonReader reader, LineCounter lines, ConfigurationBounds bounds)
    {
        bounds.Enter(lines.At(reader.TokenStartIndex));
        List<ConfigurationEntry> entries = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var line = lines.At(reader.TokenStartIndex);
            var key = reader.GetString()!;
            reader.Read();
            entries.Add(new ConfigurationEntry(key, ReadValue(ref reader, lines, bounds), line));
        }

        bounds.Leave();
        return new ConfigurationTable(entries);
    }

    private static object? ReadValue(ref Utf8JsonReader reader, LineCounter lines, ConfigurationBounds bounds)
    {
        var line = lines.At(reader.TokenStartIndex);
        bounds.Count(line);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadTable(ref reader, lines, bounds);
            case JsonTokenType.StartArray:
                bounds.Enter(line);
                List<object?> items = [];
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ReadValue(ref reader, lines, bounds));
                }

                bounds.Leave();
                return items.ToArray();
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.Number:
                // Boxed apart: a conditional of the three would make every whole number a double.
                var number = reader.TryGetInt32(out var small) ? (object)small : reader.TryGetInt64(out var big) ? big : reader.GetDouble();
                return number is not double.PositiveInfinity and not double.NegativeInfinity
                    ? number : throw new ConfigurationException(line, "the number is too large.");
            default:
                return reader.TokenType switch { JsonTokenType.True => true, JsonTokenType.False => false, _ => null };
        }
    }

    /// <summary>Tells the line of an offset. Offsets are asked for in ascending order.</summary>
    private sealed class LineCounter(byte[] bytes)
    {
        private int _offset;
        private int _line = 1;

        public int At(long offset)
        {
            _line += bytes.AsSpan(_offset, (int)offset - _offset).Count((byte)'\n');
            _offset = (int)offset;
            return _line;
        }
    }
}
