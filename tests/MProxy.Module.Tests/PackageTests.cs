using System.Management.Automation.Language;
using NuGet.Packaging;

namespace MProxy.Module.Tests;

/// <summary>The package, as NuGet reads it and as a process uses it that has nothing else.</summary>
[Collection("engine")]
public sealed class PackageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mproxy-package");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_package_says_what_the_manifest_says_and_works_where_it_is_unpacked()
    {
        await PackAsync();
        var path = Assert.Single(_folder.GetFiles("*.nupkg")).FullName;
        var unpacked = Path.Combine(_folder.FullName, "unpacked");
        using (var package = new PackageArchiveReader(path))
        {
            var manifest = ReadManifest();
            var data = (System.Collections.IDictionary)((System.Collections.IDictionary)manifest["PrivateData"]!)["PSData"]!;
            var nuspec = package.NuspecReader;
            Assert.Equal("MProxy", nuspec.GetId());
            Assert.Equal(manifest["ModuleVersion"], $"{nuspec.GetVersion()}");
            Assert.Equal(manifest["Author"], nuspec.GetAuthors());
            Assert.Equal(manifest["Copyright"], nuspec.GetCopyright());
            Assert.Equal(manifest["Description"], nuspec.GetDescription());
            Assert.Equal(data["ReleaseNotes"], nuspec.GetReleaseNotes());
            string[] tags = ["PSModule", "PSEdition_Core", "PSIncludes_Cmdlet", .. ((object[])data["Tags"]!).Cast<string>()];
            Assert.Equal(tags, nuspec.GetTags().Split(' '));
            Assert.Empty(nuspec.GetDependencyGroups());
            Assert.Equal("MIT OR Apache-2.0", nuspec.GetLicenseMetadata()!.License);

            var files = package.GetFiles().ToList();
            Assert.Contains(nuspec.GetIcon(), files);
            Assert.Contains(nuspec.GetReadme(), files);

            // Nothing that other modules may have in another version stands where the session would find it.
            Assert.All(
                files.Where(file => Path.GetExtension(file) == ".dll" && !file.StartsWith("bin/tokens/", StringComparison.Ordinal) && !file.StartsWith("bin/directory/", StringComparison.Ordinal)),
                file => Assert.StartsWith("bin/MProxy", file, StringComparison.Ordinal));
            Assert.DoesNotContain(files, file => Path.GetFileName(file) is "System.Management.Automation.dll");
            foreach (var file in files)
            {
                package.ExtractFile(file, Path.Combine(unpacked, file), NuGet.Common.NullLogger.Instance);
            }
        }

        // The Shell takes the nearest manifest above it: that of the package, and not this repository's.
        CopyShell(Path.Combine(unpacked, "shell"));
        var (code, output, error) = await Programs.RunAsync(
            Path.Combine(unpacked, "shell", Path.GetFileName(RepositoryFiles.Shell)),
            [
                "-Command",
                """
                (Get-Module MProxy).Path
                @(Get-Command -Module MProxy).Count
                (Get-Help New-MProxyToken).Synopsis
                $secret = [Net.NetworkCredential]::new('', 'a secret of thirty-two bytes or more').SecurePassword
                $relay = Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Secret $secret
                $token = New-MProxyToken -Port $relay.TcpPort[0] -Secret $secret
                (Start-MProxyTunnel $relay.Listen[0] -Service tcp=127.0.0.1:9 -Token $token).LinkState
                """,
            ]);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal([Path.Combine(unpacked, "bin", "MProxy.dll"), "25", "Makes a signed token that says what a device may serve.", "Connected"], output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
    }

    private static System.Collections.Hashtable ReadManifest()
    {
        var script = Parser.ParseFile(Path.Combine(RepositoryFiles.Root, "MProxy.psd1"), out _, out _);
        return (System.Collections.Hashtable)script.Find(ast => ast is HashtableAst, searchNestedScriptBlocks: false)!.SafeGetValue();
    }

    private static void CopyShell(string folder)
    {
        foreach (var file in new DirectoryInfo(Path.GetDirectoryName(RepositoryFiles.Shell)!).GetFiles("*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder, Path.GetRelativePath(Path.GetDirectoryName(RepositoryFiles.Shell)!, file.FullName));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            file.CopyTo(target);
        }
    }

    private async Task PackAsync()
    {
        var project = Path.Combine(RepositoryFiles.Root, "src", "MProxy", "MProxy.csproj");
        var (code, output, error) = await Programs.RunAsync("dotnet", ["pack", project, "-c", RepositoryFiles.Configuration, "--no-build", "-o", _folder.FullName, "-v", "quiet", "-nologo"]);
        Assert.True(code == 0, output + error);
    }
}
