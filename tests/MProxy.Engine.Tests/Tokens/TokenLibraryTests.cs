using System.Reflection;
using System.Runtime.Loader;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

/// <summary>The token packages stay apart from other versions of themselves.</summary>
public class TokenLibraryTests
{
    private const string Package = "Microsoft.IdentityModel.JsonWebTokens";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "tokens");

    [Fact]
    public void Another_version_in_the_default_context_is_left_alone()
    {
        foreach (var name in new[] { "Abstractions", "Logging", "Tokens", "JsonWebTokens" })
        {
            Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, "other-version", $"Microsoft.IdentityModel.{name}.dll"));
        }

        var other = AssemblyLoadContext.Default.Assemblies.Single(assembly => assembly.GetName().Name == Package);
        Assert.Equal(new Version(7, 5, 0, 0), other.GetName().Version);

        // In a context that comes after the other version, whatever the tests before have loaded.
        var service = TokenLibrary.LoadFrom(Folder);
        var token = service.Create(new TokenClaims { Grant = new Grant { Ports = [22] } }, Forge.SecretKey, Forge.Now);
        Assert.Equal([22], service.Verify(token, [Forge.SecretKey], null, Forge.Now).Ports);

        var context = AssemblyLoadContext.GetLoadContext(service.GetType().Assembly)!;
        Assert.NotSame(AssemblyLoadContext.Default, context);
        Assert.Equal(new Version(8, 23, 0, 0), context.Assemblies.Single(assembly => assembly.GetName().Name == Package).GetName().Version);
        Assert.DoesNotContain(context.Assemblies, assembly => assembly.GetName().Name!.StartsWith("MProxy.", StringComparison.Ordinal) && assembly != service.GetType().Assembly);

        Assert.Same(other, AssemblyLoadContext.Default.Assemblies.Single(assembly => assembly.GetName().Name == Package));
        var handler = Activator.CreateInstance(other.GetType($"{Package}.JsonWebTokenHandler")!)!;
        Assert.Equal(true, handler.GetType().GetMethod("CanReadToken", [typeof(string)])!.Invoke(handler, [token]));
    }

    [Fact]
    public void The_service_is_loaded_once() =>
        Assert.Single(Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ => TokenLibrary.Load()).Distinct());

    [Fact]
    public void Nothing_of_the_packages_is_in_the_engines_folder()
    {
        Assert.Empty(Directory.GetFiles(AppContext.BaseDirectory, "Microsoft.IdentityModel.*"));
        Assert.Empty(Directory.GetFiles(Folder, "MProxy.Engine.*"));
        Assert.Empty(Directory.GetFiles(Folder, "MProxy.Protocol.*"));
    }

    [Fact]
    public void A_missing_folder_is_told()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}");
        var error = Assert.Throws<TokenException>(() => TokenLibrary.LoadFrom(folder));
        Assert.Contains($"'{Path.Combine(folder, "MProxy.Tokens.dll")}' is missing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_file_is_told()
    {
        var folder = Directory.CreateTempSubdirectory("mproxy-");
        try
        {
            var path = Path.Combine(folder.FullName, "MProxy.Tokens.dll");
            File.WriteAllText(path, "no assembly");
            Assert.Contains($"'{path}' cannot be loaded", Assert.Throws<TokenException>(() => TokenLibrary.LoadFrom(folder.FullName)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
