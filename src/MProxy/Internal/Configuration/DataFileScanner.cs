namespace MProxy.Internal.Configuration;

/// <summary>
/// Cuts a PowerShell data file into tokens, and refuses what is no data. PowerShell's own parser comes later and sees single texts and numbers:
/// given a whole file it loads modules for some keywords, and for nested <c>"$("$("</c> it takes minutes.
/// </summary>
internal sealed class DataFileScanner(string text)
{
    private const string OnlyData =
        "commands and expressions are not read, only texts in quotes, numbers, $true, $false, $null, lists @( ) and tables @{ }.";

    private int _next;
    private int _line = 1;

    /// <summary>The next token. Spaces, comments and line ends behind a backtick are none.</summary>
    /// <exception cref="ConfigurationException">Here is something that data does not have.</exception>
    public DataFileToken Read()
    {
        SkipSpace();
        var (start, line) = (_next, _line);
        var kind = Scan();
        return new DataFileToken(kind, text[start.._next], line);
    }

    private char Peek(int ahead = 0) => _next + ahead < text.Length ? text[_next + ahead] : '\0';

    private DataFileTokenKind Scan()
    {
        if (_next == text.Length)
        {
            return DataFileTokenKind.End;
        }

        var letter = text[_next];
        if (IsSingleQuote(letter) || IsDoubleQuote(letter))
        {
            return ScanText();
        }

        if (IsWord(letter))
        {
            for (; IsWord(Peek()); _next++)
            {
            }

            return Peek() != '<' ? DataFileTokenKind.Word : throw new ConfigurationException(_line, "a space comes before a comment.");
        }

        switch (letter)
        {
            case '\r' or '\n':
                Step();
                return DataFileTokenKind.LineEnd;
            case '@' when Peek(1) is '{' or '(':
                _next += 2;
                return text[_next - 1] == '{' ? DataFileTokenKind.TableStart : DataFileTokenKind.ListStart;
            case '@' when IsSingleQuote(Peek(1)) || IsDoubleQuote(Peek(1)):
                throw new ConfigurationException(_line, "a text in @' '@ is not read: write it in plain quotes.");
            case '$':
                return ScanConstant();
        }

        _next++;
        return letter switch
        {
            ';' => DataFileTokenKind.Semicolon,
            ',' => DataFileTokenKind.Comma,
            '=' => DataFileTokenKind.EqualsSign,
            '}' => DataFileTokenKind.TableEnd,
            ')' => DataFileTokenKind.ListEnd,
            _ => throw new ConfigurationException(_line, OnlyData),
        };
    }

    private DataFileTokenKind ScanConstant()
    {
        var start = ++_next;
        for (; char.IsAsciiLetter(Peek()); _next++)
        {
        }

        // What goes on behind it is another variable, or a property of this one.
        return text[start.._next].ToUpperInvariant() is "TRUE" or "FALSE" or "NULL" && !IsWord(Peek()) && Peek() is not (':' or '?')
            ? DataFileTokenKind.Constant
            : throw new ConfigurationException(_line, Peek() is '(' ? OnlyData : "variables are not read, other than $true, $false and $null.");
    }

    private DataFileTokenKind ScanText()
    {
        var line = _line;
        var isDouble = IsDoubleQuote(text[_next++]);
        while (_next < text.Length)
        {
            var letter = text[_next];
            if (isDouble ? IsDoubleQuote(letter) : IsSingleQuote(letter))
            {
                _next++;
                if (!(isDouble ? IsDoubleQuote(Peek()) : IsSingleQuote(Peek())))
                {
                    return DataFileTokenKind.Text;
                }
            }
            else if (isDouble && letter == '$')
            {
                throw new ConfigurationException(_line, "a $ in double quotes would be replaced: use single quotes, or write `$.");
            }
            else if (isDouble && letter == '`')
            {
                _next++;
            }

            Step();
        }

        throw new ConfigurationException(line, "the text that starts here has no closing quote.");
    }

    private void SkipSpace()
    {
        while (_next < text.Length)
        {
            if (Peek() == '#')
            {
                for (; _next < text.Length && Peek() is not ('\r' or '\n'); _next++)
                {
                }
            }
            else if (Peek() == '<' && Peek(1) == '#')
            {
                SkipComment();
            }
            else if (Peek() == '`' && Peek(1) is '\r' or '\n')
            {
                _next++;
                Step();
            }
            else if (char.IsWhiteSpace(Peek()) && Peek() is not ('\r' or '\n'))
            {
                _next++;
            }
            else
            {
                return;
            }
        }
    }

    private void SkipComment()
    {
        var line = _line;
        for (_next += 2; !(Peek() == '#' && Peek(1) == '>'); Step())
        {
            if (_next >= text.Length)
            {
                throw new ConfigurationException(line, "the comment that starts here is not closed with #>.");
            }
        }

        _next += 2;
    }

    /// <summary>Goes past one letter, or the two of a line end.</summary>
    private void Step()
    {
        var letter = Peek();
        if (letter is '\r' or '\n')
        {
            _line++;
        }

        _next = Math.Min(_next + (letter == '\r' && Peek(1) == '\n' ? 2 : 1), text.Length);
    }

    // PowerShell starts no comment within a word.
    private static bool IsWord(char letter) => char.IsLetterOrDigit(letter) || letter is '_' or '.' or '-' or '#';

    // PowerShell takes the typographic ones for the same.
    private static bool IsSingleQuote(char letter) => letter is '\'' or '\u2018' or '\u2019' or '\u201a' or '\u201b';

    private static bool IsDoubleQuote(char letter) => letter is '"' or '\u201c' or '\u201d' or '\u201e';
}
