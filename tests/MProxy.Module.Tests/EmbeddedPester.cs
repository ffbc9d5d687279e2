using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace MProxy.Module.Tests;

/// <summary>Runs Pester files on the embedded engine with the stand-in, each file once, in a runspace of its own.</summary>
internal static class EmbeddedPester
{
    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyDictionary<string, string?>>> Runs = new();

    /// <summary>The full name of every It of a file.</summary>
    public static IReadOnlyList<string> Discover(string path) => [.. Invoke(path, discoverOnly: true).Select(result => result.Name)];

    /// <summary>Of a file that runs once for all its tests: what failed, by name; null for what passed.</summary>
    public static IReadOnlyDictionary<string, string?> Run(string path) => Runs.GetOrAdd(
        path,
        file => new(() => Invoke(file, discoverOnly: false).ToDictionary(result => result.Name, result => result.Error))).Value;

    private static List<(string Name, string? Error)> Invoke(string path, bool discoverOnly)
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([Path.Combine(AppContext.BaseDirectory, "PesterStandIn.psm1")]);
        state.ThrowOnRunspaceOpenError = true;
        using var runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        using var start = PowerShell.Create(runspace);
        start.AddScript("param($DiscoverOnly) Start-StandIn -DiscoverOnly:$DiscoverOnly -Scope { param($Body, $After) . $Body; . $After }")
            .AddParameter("DiscoverOnly", discoverOnly).Invoke();
        using var shell = PowerShell.Create(runspace);
        shell.AddCommand(path);
        try
        {
            var results = shell.Invoke();
            return [.. results.Where(result => result is not null).Select(result => ((string)result.Properties["Name"].Value, result.Properties["Error"].Value as string))];
        }
        finally
        {
            using var cleanup = PowerShell.Create(runspace);
            cleanup.AddCommand("Get-Module").AddParameter("Name", "MProxy").AddCommand("Remove-Module").AddParameter("Force").Invoke();
        }
    }
}
