using System.Management.Automation;
using System.Net;
using MProxy.Engine.Relay;

namespace MProxy.Internal;

/// <summary>Completes limits of a relay, each as a table with the value that holds unless another is given.</summary>
internal sealed class RelayLimitCompleter : WordCompleter
{
    private static readonly RelayLimits Usual = new();

    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word) =>
        from limit in typeof(RelayLimits).GetProperties()
        let text = $"@{{ {limit.Name} = {Text(limit.GetValue(Usual))} }}"
        select new CompletionResult(text, text, CompletionResultType.ParameterValue, text);

    private static string Text(object? value) => value switch
    {
        TimeSpan time => $"{time.TotalSeconds}",
        IReadOnlyList<IPNetwork> => "'192.0.2.0/24'",
        _ => $"{value}",
    };
}
