using System.Globalization;
using System.Management.Automation.Language;

namespace MProxy.Internal.Configuration;

/// <summary>
/// Reads a PowerShell data file: one table of texts, numbers, booleans, lists and tables, and nothing that could be run.
/// What it reads, PowerShell reads in the same way.
/// </summary>
internal sealed class DataFileReader
{
    private readonly ConfigurationBounds _bounds = new();
    private readonly DataFileScanner _scanner;
    private DataFileToken _token;

    private DataFileReader(string text)
    {
        _scanner = new DataFileScanner(text);
        _token = _scanner.Read();
    }

    /// <exception cref="ConfigurationException">It is no such table.</exception>
    public static ConfigurationTable Read(string text)
    {
        var reader = new DataFileReader(text);
        reader.SkipLineEnds();
        if (reader._token.Kind != DataFileTokenKind.TableStart)
        {
            throw new ConfigurationException(reader._token.Line, "the file has to be a table: @{ }.");
        }

        var table = reader.ReadTable();
        reader.SkipSeparators();
        return reader._token.Kind == DataFileTokenKind.End
            ? table : throw new ConfigurationException(reader._token.Line, "the table ends before this, and nothing may stand behind it.");
    }

    private DataFileToken Take()
    {
        var taken = _token;
        _token = _scanner.Read();
        return taken;
    }

    private void SkipLineEnds()
    {
        while (_token.Kind == DataFileTokenKind.LineEnd)
        {
            Take();
        }
    }

    private void SkipSeparators()
    {
        while (_token.Kind is DataFileTokenKind.LineEnd or DataFileTokenKind.Semicolon)
        {
            Take();
        }
    }

    private ConfigurationTable ReadTable()
    {
        var start = Enter();
        List<ConfigurationEntry> entries = [];
        SkipLineEnds();
        while (_token.Kind != DataFileTokenKind.TableEnd)
        {
            var (line, key) = (_token.Line, ReadKey(start));
            SkipLineEnds();
            entries.Add(new ConfigurationEntry(key, ReadStatement(), line));
            ReadSeparators(start, DataFileTokenKind.TableEnd);
        }

        Leave();
        return new ConfigurationTable(entries);
    }

    private object?[] ReadList()
    {
        var start = Enter();
        List<object?> items = [];
        SkipSeparators();
        while (_token.Kind != DataFileTokenKind.ListEnd)
        {
            // Each statement gives what is in it: a list in a list is one with a comma.
            if (ReadStatement() is var value && value is object?[] several)
            {
                items.AddRange(several);
            }
            else
            {
                items.Add(value);
            }

            ReadSeparators(start, DataFileTokenKind.ListEnd);
        }

        Leave();
        return [.. items];
    }

    private string ReadKey(DataFileToken table)
    {
        var key = Take();
        var text = key switch
        {
            { Kind: DataFileTokenKind.End } => throw NotClosed(table),
            { Kind: DataFileTokenKind.Word } when !char.IsDigit(key.Source[0]) && !key.Source.AsSpan().ContainsAny('.', '-', '#') => key.Source,
            { Kind: DataFileTokenKind.Word or DataFileTokenKind.Text } =>
                Convert.ToString(Constant(key, "a key with other letters than a to z, digits and _ stands in quotes."), CultureInfo.InvariantCulture)!,
            _ => throw new ConfigurationException(key.Line, "a key has to stand here."),
        };
        return Take() is { Kind: DataFileTokenKind.EqualsSign }
            ? text : throw new ConfigurationException(key.Line, "behind the key comes =, in the same line.");
    }

    private object? ReadStatement()
    {
        var first = ReadValue();
        if (_token.Kind != DataFileTokenKind.Comma)
        {
            return first;
        }

        List<object?> items = [first];
        while (_token.Kind == DataFileTokenKind.Comma)
        {
            Take();
            SkipLineEnds();
            items.Add(ReadValue());
        }

        return items.ToArray();
    }

    private object? ReadValue()
    {
        _bounds.Count(_token.Line);
        switch (_token.Kind)
        {
            case DataFileTokenKind.TableStart:
                return ReadTable();
            case DataFileTokenKind.ListStart:
                return ReadList();
            case DataFileTokenKind.Text:
                return Constant(Take(), "the text cannot be read.");
            case DataFileTokenKind.Word:
                return Constant(Take(), "this is no number, and a text has to stand in quotes: commands are not run.");
            case DataFileTokenKind.Constant:
                return Take().Source.ToUpperInvariant() switch { "$TRUE" => true, "$FALSE" => false, _ => null };
            default:
                throw new ConfigurationException(_token.Line, "a value is missing.");
        }
    }

    private void ReadSeparators(DataFileToken start, DataFileTokenKind end)
    {
        if (_token.Kind == DataFileTokenKind.End)
        {
            throw NotClosed(start);
        }

        if (_token.Kind is not (DataFileTokenKind.LineEnd or DataFileTokenKind.Semicolon) && _token.Kind != end)
        {
            throw new ConfigurationException(_token.Line, "the value ends before this: ; or a new line comes between entries, and a text is in quotes as a whole.");
        }

        SkipSeparators();
        if (_token.Kind == DataFileTokenKind.End)
        {
            throw NotClosed(start);
        }
    }

    private DataFileToken Enter()
    {
        _bounds.Enter(_token.Line);
        return Take();
    }

    private void Leave()
    {
        _bounds.Leave();
        Take();
    }

    private static ConfigurationException NotClosed(DataFileToken start) =>
        new(start.Line, $"what starts here with {start.Source} is not closed with {(start.Kind == DataFileTokenKind.TableStart ? '}' : ')')}.");

    /// <summary>One text or number, as PowerShell reads it.</summary>
    private static object Constant(DataFileToken token, string otherwise) =>
        (token.Kind == DataFileTokenKind.Text || char.IsAsciiDigit(token.Source.TrimStart('-', '.').FirstOrDefault()))
        && Parser.ParseInput(token.Source, out _, out var errors) is { EndBlock.Statements: [PipelineAst { PipelineElements: [CommandExpressionAst { Expression: ConstantExpressionAst constant }] }] }
        && errors.Length == 0 && constant.Extent.Text == token.Source && constant.Value is { } value
            ? value : throw new ConfigurationException(token.Line, otherwise);
}
