using System.Text.Json;
using MProxy.Benchmarks.Peers;

namespace MProxy.Benchmarks.Pipeline;

/// <summary>A PowerShell to measure in: the one that the environment or the path names, else the embedded engine.</summary>
/// <param name="Name">As the report calls it.</param>
/// <param name="Program">Where it is.</param>
/// <param name="Arguments">What stands in front of a script's path.</param>
/// <param name="IsEmbedded">It has the core cmdlets only, and MProxy from the start.</param>
internal sealed record PowerShellProgram(string Name, string Program, IReadOnlyList<string> Arguments, bool IsEmbedded)
{
    private const string Variable = "MPROXY_PWSH";

    public static PowerShellProgram Find()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        var program = string.IsNullOrEmpty(named) ? Programs.Find(OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh") : named;
        if (program is null)
        {
            return new PowerShellProgram("the embedded engine (mproxy-shell)", Programs.FindShell(), ["-File"], IsEmbedded: true);
        }

        using var version = Child.Start(program, ["-NoProfile", "-NoLogo", "-Command", "$PSVersionTable.PSVersion.ToString()"]);
        return new PowerShellProgram($"PowerShell {version.WaitForLine(line => line.Length > 0)}", program, ["-NoProfile", "-NoLogo", "-File"], IsEmbedded: false);
    }

    /// <summary>Runs a script of this folder in a fresh process.</summary>
    /// <returns>The figures that it prints: a line of JSON each, as many as asked for.</returns>
    /// <exception cref="IOException">It did not print them.</exception>
    public IReadOnlyList<Dictionary<string, double>> Run(string script, int lines, params string[] arguments)
    {
        var path = RepositoryFolder.Find("tests", "MProxy.Benchmarks", "Pipeline", script);
        using var child = Child.Start(Program, [.. Arguments, path, .. arguments]);
        return [.. Enumerable.Range(0, lines).Select(_ => Figures(child.WaitForLine(line => line.StartsWith('{'))))];
    }

    private static Dictionary<string, double> Figures(string line) => JsonSerializer.Deserialize<Dictionary<string, double>>(line)!;
}
