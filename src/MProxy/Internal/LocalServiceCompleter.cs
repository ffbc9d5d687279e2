using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Net.NetworkInformation;

namespace MProxy.Internal;

/// <summary>Completes what listens on this machine, as a service of a tunnel: tcp=localhost:22, or https=localhost:443 where https= was typed.</summary>
internal sealed class LocalServiceCompleter : IArgumentCompleter
{
    private const string DefaultKey = "tcp";

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var key = equals < 0 ? DefaultKey : word[..equals];
        return Ports().Select(port => $"{key}=localhost:{port}")
            .Where(text => text.StartsWith(word, StringComparison.OrdinalIgnoreCase))
            .Select(text => new CompletionResult(text, text, CompletionResultType.ParameterValue, $"{text[(key.Length + 1)..]} listens on this machine"));
    }

    private static SortedSet<int> Ports()
    {
        try
        {
            return [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(listener => listener.Port)];
        }
        catch (NetworkInformationException)
        {
            // Where the system does not tell, there is nothing to offer.
            return [];
        }
    }
}
