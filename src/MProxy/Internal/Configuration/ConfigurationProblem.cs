using System.Globalization;

namespace MProxy.Internal.Configuration;

/// <summary>What is wrong in one place of a configuration file.</summary>
/// <param name="Line">Where it is, from 1; 0 for the file as a whole.</param>
/// <param name="Subject">What it is about, such as <c>Key 'TcpPort'</c>; null for what stands in that line.</param>
/// <param name="Text">A sentence about it. It holds no value that could be a secret.</param>
internal sealed record ConfigurationProblem(int Line, string? Subject, string Text)
{
    private const int MaxKeyLength = 60;
    private const int MaxTextLength = 500;

    /// <summary>What is wrong with a key's value.</summary>
    public static ConfigurationProblem At(ConfigurationEntry entry, string text) => new(entry.Line, $"Key '{Shown(entry.Key)}'", text);

    /// <summary>A key that is not known, and the one that may be meant.</summary>
    public static ConfigurationProblem UnknownKey(ConfigurationEntry entry, string? nearest, string otherwise) =>
        new(entry.Line, $"Unknown key '{Shown(entry.Key)}'", nearest is null ? otherwise : $"did you mean {nearest}?");

    /// <summary>A text of a file as it may stand in a message: short, in one line, and harmless to a terminal.</summary>
    public static string Shown(string text, int maxLength = MaxKeyLength) =>
        new([.. (text.Length > maxLength ? $"{text[..maxLength]}…" : text)
            .Select(letter => char.IsControl(letter) || char.GetUnicodeCategory(letter) == UnicodeCategory.Format ? ' ' : letter)]);

    /// <summary>The whole message.</summary>
    /// <param name="file">The file's name.</param>
    public string ToText(string file)
    {
        var place = Line > 0 ? $"{file}, line {Line}" : file;
        return $"{(Subject is null ? place : $"{Subject} in {place}")}: {Shown(Text, MaxTextLength)}";
    }
}
