using System.Text.Json;
using NuGet.Packaging;

namespace MProxy.Module.Tests;

/// <summary>What a build takes from elsewhere is what docs/dependencies.md says, each with the licence that its package says.</summary>
public class DependencyTests
{
    private static readonly string Packages =
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    [Fact]
    public void All_packages_and_their_licences_are_listed()
    {
        var locks = Directory.GetFiles(RepositoryFiles.Root, "packages.lock.json", SearchOption.AllDirectories);
        Assert.Equal(Directory.GetFiles(RepositoryFiles.Root, "*.csproj", SearchOption.AllDirectories).Length, locks.Length);
        var used = locks.SelectMany(PackagesOf).Distinct().Select(package => $"| {package.Name} | {package.Version} | {LicenceOf(package.Name, package.Version)} |");
        var listed = File.ReadLines(Path.Combine(RepositoryFiles.Root, "docs", "dependencies.md")).Where(line => line.StartsWith('|') && !line.StartsWith("| package", StringComparison.Ordinal) && !line.StartsWith("|---", StringComparison.Ordinal));
        Assert.Equal(used.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Codec_engine_and_cmdlets_use_nothing_but_the_runtime()
    {
        foreach (var project in new[] { "MProxy.Protocol", "MProxy.Engine" })
        {
            Assert.Empty(PackagesOf(Path.Combine(RepositoryFiles.Root, "src", project, "packages.lock.json")));
        }

        // The library that a module is compiled against, and every session has.
        Assert.Equal([("PowerShellStandard.Library", "5.1.1")], PackagesOf(Path.Combine(RepositoryFiles.Root, "src", "MProxy", "packages.lock.json")));
    }

    private static IEnumerable<(string Name, string Version)> PackagesOf(string path)
    {
        using var all = JsonDocument.Parse(File.ReadAllText(path));
        return
        [
            .. from framework in all.RootElement.GetProperty("dependencies").EnumerateObject()
               from package in framework.Value.EnumerateObject()
               where package.Value.GetProperty("type").GetString() != "Project"
               select (package.Name, package.Value.GetProperty("resolved").GetString()!),
        ];
    }

    private static string LicenceOf(string name, string version)
    {
        var id = name.ToLowerInvariant();
        var nuspec = new NuspecReader(Path.Combine(Packages, id, version.ToLowerInvariant(), $"{id}.nuspec"));
        return nuspec.GetLicenseMetadata()?.License ?? nuspec.GetLicenseUrl()!;
    }
}
