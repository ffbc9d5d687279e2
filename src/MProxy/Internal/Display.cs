using System.Globalization;
using System.Text;
using MProxy.Engine;
using MProxy.Protocol;

namespace MProxy.Internal;

/// <summary>What the views in MProxy.Format.ps1xml show of sizes, times, and what a peer says. Public, since the formatter calls it as a script would.</summary>
public static class Display
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A number of bytes in the unit that fits it: <c>512 B</c>, <c>1.5 KiB</c>.</summary>
    public static string Size(long bytes)
    {
        var unit = 0;
        double value = bytes;

        // What would be rounded to 1024.0 is 1.0 of the next unit.
        for (; value >= (unit == 0 ? 1024 : 1023.95) && unit < Units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + $" {Units[unit]}";
    }

    /// <summary>How long something has been there: <c>00:01:05</c>, <c>2.03:04:05</c> with days in front.</summary>
    public static string Age(TimeSpan age) => age.ToString(age.Days > 0 ? @"d\.hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture);

    /// <summary>A time in milliseconds: <c>0.8 ms</c>, <c>120 ms</c>. Nothing where there is none.</summary>
    public static string Milliseconds(TimeSpan? time) => time is not { TotalMilliseconds: var value } ? ""
        : value.ToString(value < 99.95 ? "0.0" : "0", CultureInfo.InvariantCulture) + " ms";

    /// <summary>Text that a peer may have chosen, without what would do something to a terminal. The property itself has it as it came.</summary>
    public static string Plain(string? text) => PlainText.Of(text ?? "");

    /// <summary>Parsed JSON of a peer, as plain text. Nothing where there is none.</summary>
    public static string Json(object? value) => value is null ? "" : PlainText.Of(Encoding.UTF8.GetString(JsonText.Serialize(value)));

    /// <summary>Counts by reason, the reasons in their order: <c>3: its address may not come</c>.</summary>
    public static string Counts(IReadOnlyDictionary<string, long> counts) => string.Join(", ", counts.Select(entry => $"{entry.Value}: {entry.Key}"));
}
