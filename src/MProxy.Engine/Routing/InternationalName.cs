using System.Globalization;
using System.Text;

namespace MProxy.Engine.Routing;

/// <summary>
/// Names beyond ASCII, as people write them, in their ASCII form (RFC 5891). Read the same with globalization data and without it: in invariant
/// mode, IdnMapping encodes whatever it gets, so what would have to be mapped first, but for its case, is refused in both.
/// </summary>
internal static class InternationalName
{
    /// <summary>The ASCII form; null for what has none, or is written in a way that another one stands for.</summary>
    public static string? TryEncode(string name)
    {
        var lower = name.ToLowerInvariant().Replace('。', '.');
        if (!lower.EnumerateRunes().All(IsPlain))
        {
            return null;
        }

        try
        {
            var mapping = new IdnMapping();
            var ascii = mapping.GetAscii(lower);
            return mapping.GetUnicode(ascii) == lower ? ascii : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// ASCII, which is looked at later, or what the RFC lets a name consist of: letters, marks and digits. Not accents of their own, which come as
    /// one with their letter in a normalized name, and not the forms of letters that are there for old character sets only.
    /// </summary>
    private static bool IsPlain(Rune rune) => rune.IsAscii
        || (rune.Value is not ((>= 0x300 and <= 0x36f) or (>= 0xf900 and <= 0xffff)) && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber);
}
