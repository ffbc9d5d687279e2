using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace MProxy.Protocol;

/// <summary>
/// JSON as JavaScript's <c>JSON.stringify</c> writes it, since peers compare bytes: nothing is escaped that need not be,
/// and numbers have ECMAScript's form. Values are plain: null, bool, numbers, strings, lists and dictionaries.
/// Source: protocol.md, section 1, "Packing".
/// </summary>
public static class JsonText
{
    private const int MaxDepth = 64;

    /// <summary>True for what JavaScript calls falsy, which is no data at all: null, false, 0, NaN and the empty string.</summary>
    public static bool IsNoData(object? value) => value switch
    {
        null => true,
        bool flag => !flag,
        string text => text.Length == 0,
        char => false,
        BigInteger number => number.IsZero,
        Enum => false,
        IConvertible number when IsNumber(number) => number.ToDouble(CultureInfo.InvariantCulture) is 0 or double.NaN,
        _ => false,
    };

    /// <summary>The UTF-8 JSON of a value.</summary>
    /// <exception cref="ArgumentException">Nested deeper than 64 levels, which a value that contains itself always is.</exception>
    public static byte[] Serialize(object? value)
    {
        var json = new StringBuilder();
        Write(json, value, 0);
        return Encoding.UTF8.GetBytes(json.ToString());
    }

    /// <summary>
    /// Reads JSON into object?[] for arrays, OrderedDictionary for objects, long or double for numbers, string, bool and null.
    /// False for anything that is no JSON, or is nested deeper than 64 levels.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out object? value)
    {
        value = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            using var document = JsonDocument.ParseValue(ref reader);
            if (reader.Read())
            {
                return false;
            }

            value = ToPlain(document.RootElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate in an escape: valid to the grammar, but no string.
            return false;
        }
    }

    private static object? ToPlain(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new OrderedDictionary(StringComparer.Ordinal);
                foreach (var member in element.EnumerateObject())
                {
                    members[member.Name] = ToPlain(member.Value);
                }

                return members;
            case JsonValueKind.Array:
                return element.EnumerateArray().Select(ToPlain).ToArray();
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Number:
                // Boxed apart: a conditional of the two would make every whole number a double.
                return element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble();
            default:
                return element.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };
        }
    }

    private static void Write(StringBuilder json, object? value, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new ArgumentException($"The value is nested deeper than {MaxDepth} levels.", nameof(value));
        }

        switch (value)
        {
            case null:
                json.Append("null");
                break;
            case bool flag:
                json.Append(flag ? "true" : "false");
                break;
            case string or char or Guid or Uri or Enum or Version:
                WriteString(json, value.ToString()!);
                break;
            case DateTime or DateTimeOffset:
                WriteString(json, ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                break;
            case BigInteger number:
                WriteNumber(json, (double)number);
                break;
            case sbyte or byte or short or ushort or int or uint or long or ulong:
                json.Append(CultureInfo.InvariantCulture, $"{value}");
                break;
            case float number:
                WriteNumber(json, double.Parse(number.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
                break;
            case IConvertible number when IsNumber(number):
                WriteNumber(json, number.ToDouble(CultureInfo.InvariantCulture));
                break;
            case IDictionary members:
                WriteObject(json, members, depth);
                break;
            case IEnumerable items:
                WriteArray(json, items, depth);
                break;
            default:
                WriteString(json, value.ToString() ?? "");
                break;
        }
    }

    private static bool IsNumber(IConvertible value) => value.GetTypeCode() is >= TypeCode.SByte and <= TypeCode.Decimal;

    private static void WriteObject(StringBuilder json, IDictionary members, int depth)
    {
        json.Append('{');
        var separator = "";
        foreach (DictionaryEntry member in members)
        {
            json.Append(separator);
            WriteString(json, Convert.ToString(member.Key, CultureInfo.InvariantCulture) ?? "");
            json.Append(':');
            Write(json, member.Value, depth + 1);
            separator = ",";
        }

        json.Append('}');
    }

    private static void WriteArray(StringBuilder json, IEnumerable items, int depth)
    {
        json.Append('[');
        var separator = "";
        foreach (var item in items)
        {
            json.Append(separator);
            Write(json, item, depth + 1);
            separator = ",";
        }

        json.Append(']');
    }

    private static void WriteString(StringBuilder json, string text)
    {
        json.Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var pair = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append(@"\\"),
                '\b' => json.Append(@"\b"),
                '\f' => json.Append(@"\f"),
                '\n' => json.Append(@"\n"),
                '\r' => json.Append(@"\r"),
                '\t' => json.Append(@"\t"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $@"\u{(int)c:x4}"),
                _ when pair => json.Append(c).Append(text[++i]),
                _ when char.IsSurrogate(c) => json.Append(CultureInfo.InvariantCulture, $@"\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        json.Append('"');
    }

    /// <summary>ECMAScript's Number::toString: shortest digits, plain between 1e-7 and 1e21, else with an exponent.</summary>
    private static void WriteNumber(StringBuilder json, double number)
    {
        if (!double.IsFinite(number))
        {
            json.Append("null");
            return;
        }

        if (number == 0)
        {
            json.Append('0');
            return;
        }

        // .NET's shortest round-trip digits are ECMAScript's; only the layout differs.
        var (digits, point) = ShortestDigits(Math.Abs(number));
        json.Append(number < 0 ? "-" : "");
        if (point is > 21 or <= -6)
        {
            json.Append(digits[0]).Append(digits.Length > 1 ? "." : "").Append(digits.AsSpan(1));
            json.Append(CultureInfo.InvariantCulture, $"e{(point > 0 ? "+" : "")}{point - 1}");
        }
        else if (point <= 0)
        {
            json.Append("0.").Append('0', -point).Append(digits);
        }
        else if (digits.Length <= point)
        {
            json.Append(digits).Append('0', point - digits.Length);
        }
        else
        {
            json.Append(digits.AsSpan(0, point)).Append('.').Append(digits.AsSpan(point));
        }
    }

    /// <summary>The significant digits, and where the decimal point stands: 0.d × 10^point.</summary>
    private static (string Digits, int Point) ShortestDigits(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = exponentAt < 0 ? 0 : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var pointAt = mantissa.IndexOf('.', StringComparison.Ordinal);
        var point = exponent + (pointAt < 0 ? mantissa.Length : pointAt);
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        return (digits.TrimEnd('0'), point - (all.Length - digits.Length));
    }
}
