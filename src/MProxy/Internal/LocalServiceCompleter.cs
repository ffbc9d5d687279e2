using System.Management.Automation;
using System.Net.NetworkInformation;

namespace MProxy.Internal;

/// <summary>Completes what listens on this machine, as a service of a tunnel: tcp=localhost:22, or https=localhost:443 where https= was typed.</summary>
internal sealed class LocalServiceCompleter : WordCompleter
{
    private const string DefaultKey = "tcp";

    protected override IEnumerable<CompletionResult> Offer(CompletionPlace place, string word)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var key = equals < 0 ? DefaultKey : word[..equals];
        return Ports().Select(port => $"{key}=localhost:{port}")
            .Select(text => Completion(text, $"{text[(key.Length + 1)..]} listens on this machine"));
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
