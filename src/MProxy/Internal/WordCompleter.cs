using System.Buffers;
using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes a word, quoted or not, with those of some that start with it, whatever their case.</summary>
internal abstract class WordCompleter : IArgumentCompleter
{
    private static readonly SearchValues<char> Special = SearchValues.Create(" *?,;(){}$&|@#'\"`<>");

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        return Offer(new CompletionPlace(commandName, parameterName, fakeBoundParameters), word)
            .Where(offer => offer.ListItemText.StartsWith(word, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>All there are, with the word itself as their text in lists.</summary>
    /// <param name="place">Where on the line.</param>
    /// <param name="word">What was typed, without quotes.</param>
    protected abstract IEnumerable<CompletionResult> Offer(CompletionPlace place, string word);

    /// <summary>Offers a text, in quotes where it needs them: it may be what a stranger said, and nothing of it is to run with the line.</summary>
    protected static CompletionResult Completion(string text, string? about = null) => new(
        text.AsSpan().IndexOfAny(Special) < 0 ? text : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'",
        text, CompletionResultType.ParameterValue, about ?? text);
}
