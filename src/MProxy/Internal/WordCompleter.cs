using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MProxy.Internal;

/// <summary>Completes a word, quoted or not, with those of some that start with it, whatever their case.</summary>
internal abstract class WordCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        return Offer(commandName, word, fakeBoundParameters).Where(offer => offer.ListItemText.StartsWith(word, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>All there are, with the word itself as their text in lists.</summary>
    /// <param name="command">The cmdlet.</param>
    /// <param name="word">What was typed, without quotes.</param>
    /// <param name="bound">The parameters that stand on the line already.</param>
    protected abstract IEnumerable<CompletionResult> Offer(string command, string word, IDictionary bound);
}
