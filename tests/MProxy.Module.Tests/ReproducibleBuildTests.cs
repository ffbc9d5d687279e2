using System.Security.Cryptography;

namespace MProxy.Module.Tests;

/// <summary>The module is the same, byte by byte, wherever it is built: whoever doubts the package can make it again.</summary>
[Collection("engine")]
public sealed class ReproducibleBuildTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-build");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Two_builds_in_two_places_are_the_same_bytes()
    {
        var first = await BuildAsync("here");
        var second = await BuildAsync(Path.Combine("somewhere", "else"));
        Assert.Contains("MProxy.dll", first.Keys);
        Assert.Contains("MProxy.Engine.pdb", first.Keys);
        Assert.Contains("tokens/MProxy.Tokens.dll", first.Keys);
        Assert.Contains("directory/MProxy.Directory.dll", first.Keys);
        Assert.Equal(first, second);
    }

    /// <summary>Builds a copy of the sources, and gives the hash of each file of the module.</summary>
    private async Task<SortedDictionary<string, string>> BuildAsync(string place)
    {
        var root = _folder.CreateSubdirectory(place).FullName;
        var source = Path.Combine(RepositoryFiles.Root, "src");
        var files = Directory.GetFiles(source, "*", SearchOption.AllDirectories).Where(file => !Path.GetRelativePath(source, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
        foreach (var file in files.Concat(Directory.GetFiles(RepositoryFiles.Root)))
        {
            var target = Path.Combine(root, Path.GetRelativePath(RepositoryFiles.Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        // Advisories would be asked for from afar, and servers of the compiler would stay.
        var (code, output, error) = await Programs.RunAsync("dotnet", ["build", Path.Combine(root, "src", "MProxy"), "-c", "Release", "-v", "quiet", "-nologo", "-nodeReuse:false", "-p:NuGetAudit=false", "-p:UseSharedCompilation=false"]);
        Assert.True(code == 0, output + error);
        var module = Path.Combine(root, "bin");
        return new(Directory.GetFiles(module, "*", SearchOption.AllDirectories).ToDictionary(
            file => Path.GetRelativePath(module, file).Replace('\\', '/'),
            file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))));
    }
}
