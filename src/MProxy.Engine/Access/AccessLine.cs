using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace MProxy.Engine.Access;

/// <summary>
/// The lines of an access log: one JSON object each, in printable ASCII. Clients choose what stands in a name; whatever it is, it stays
/// inside of its line and its quotes, and does nothing to a terminal.
/// </summary>
internal static class AccessLine
{
    /// <summary>No line is longer, in bytes: eight texts of which each character is escaped, and the rest.</summary>
    public const int MaxLength = 16 << 10;

    /// <summary>How much of a text is written, in UTF-16 code units.</summary>
    public const int MaxTextLength = 300;

    public static byte[] OfClient(AccessRecord record) => Create(record.Time, json =>
    {
        WriteText(json, "owner", record.Owner);
        WriteText(json, "socket_id", record.SocketId);
        WriteText(json, "address", record.Address);
        WriteNumber(json, "port", record.Port);
        WriteText(json, "service", record.Service);
        WriteNumber(json, "service_port", record.ServicePort);
        WriteText(json, "name", record.Name);
        WriteText(json, "device", record.Device);
        WriteNumber(json, "bytes_in", record.BytesIn);
        WriteNumber(json, "bytes_out", record.BytesOut);

        // A product keeps the decimals of its factors: 2.000.
        json.WriteNumber("duration", record.Duration.Ticks / TimeSpan.TicksPerMillisecond * 0.001m);
        WriteText(json, "end", record.End);
        WriteText(json, "reason", record.Reason);
        if (record.LimitedBy.Count > 0)
        {
            json.WriteStartArray("limited_by");
            foreach (var limit in record.LimitedBy)
            {
                json.WriteStringValue(Cut(limit));
            }

            json.WriteEndArray();
        }
    });

    /// <summary>Lines are missing here, since as many did not fit or could not be written.</summary>
    public static byte[] OfDropped(long count, DateTimeOffset time) => Create(time, json => json.WriteNumber("dropped", count));

    private static byte[] Create(DateTimeOffset time, Action<Utf8JsonWriter> write)
    {
        var line = new ArrayBufferWriter<byte>(512);

        // Its default encoder leaves nothing as it is but printable ASCII, and not all of that: the tests try every character.
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("time", time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            write(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static void WriteText(Utf8JsonWriter json, string member, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            json.WriteString(member, Cut(text));
        }
    }

    private static ReadOnlySpan<char> Cut(string text)
    {
        if (text.Length <= MaxTextLength)
        {
            return text;
        }

        // Not through a pair of surrogates.
        var length = char.IsHighSurrogate(text[MaxTextLength - 1]) ? MaxTextLength - 1 : MaxTextLength;
        return text.AsSpan(0, length);
    }

    private static void WriteNumber(Utf8JsonWriter json, string member, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(member, value);
        }
    }
}
