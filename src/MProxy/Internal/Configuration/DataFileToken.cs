namespace MProxy.Internal.Configuration;

/// <summary>What a token of a PowerShell data file is.</summary>
internal enum DataFileTokenKind
{
    End,
    LineEnd,
    Semicolon,
    Comma,
    EqualsSign,
    TableStart,
    TableEnd,
    ListStart,
    ListEnd,

    /// <summary>A text in quotes.</summary>
    Text,

    /// <summary>Letters and digits without quotes: a key, or a number.</summary>
    Word,

    /// <summary><c>$true</c>, <c>$false</c> or <c>$null</c>.</summary>
    Constant,
}

/// <summary>A token of a PowerShell data file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Source">How it is written, quotes and all.</param>
/// <param name="Line">The line it starts in, from 1.</param>
internal readonly record struct DataFileToken(DataFileTokenKind Kind, string Source, int Line);
