using System.Globalization;

namespace MProxy.Engine;

/// <summary>Text that a peer sent, for people to read: it forges no line, drives no terminal, and has an end.</summary>
public static class PlainText
{
    private const int MaxLength = 1000;

    /// <summary>The text without control and format characters, cut where it is longer than 1,000 characters.</summary>
    public static string Of(string text)
    {
        // Nearly all there is.
        if (text.Length <= MaxLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return text;
        }

        var plain = new string([.. text.Take(MaxLength).Select(letter => IsPlain(letter) ? letter : ' ')]);
        return text.Length > MaxLength ? $"{plain}..." : plain;
    }

    /// <summary>It moves no cursor, ends no line, and turns no writing direction.</summary>
    internal static bool IsPlain(char letter) => char.GetUnicodeCategory(letter) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned);
}
