namespace MProxy.Module.Tests;

/// <summary>A session in which another module has brought other versions of the token packages.</summary>
[Collection("engine")]
public class TokenIsolationTests
{
    private const string Script = """
        foreach ($name in 'Abstractions', 'Logging', 'Tokens', 'JsonWebTokens') {
            $null = [Reflection.Assembly]::LoadFrom("OTHER/Microsoft.IdentityModel.$name.dll")
        }
        Import-Module ./MProxy.psd1 -Force -ErrorAction Stop
        $service = [MProxy.Engine.Tokens.TokenLibrary]::Load()
        $key = [MProxy.Engine.Tokens.TokenKey]::FromSecret([byte[]]::new(32))
        $keys = [MProxy.Engine.Tokens.TokenKey[]]$key
        $grant = [MProxy.Engine.Tokens.Grant]@{ Id = 'edge-7'; Domains = [string[]]'a.example'; Ports = [int[]](22, 443) }
        $claims = [MProxy.Engine.Tokens.TokenClaims]@{ Grant = $grant; Audience = 'relay' }
        $now = [DateTimeOffset]::UtcNow
        $read = $service.Verify($service.Create($claims, $key, $now), $keys, 'relay', $now)
        "read $($read.Id) $($read.Domains) $($read.Ports)"
        try { $service.Verify('x', $keys, 'relay', $now) }
        catch [MProxy.Engine.Tokens.TokenException] { "refused $($_.Exception.Message)" }
        catch { "refused $($_.Exception.InnerException.GetType().Name)" }
        $handler = [Microsoft.IdentityModel.JsonWebTokens.JsonWebTokenHandler]::new()
        "theirs $($handler.GetType().Assembly.GetName().Version) $($handler.CanReadToken('a.b.'))"
        foreach ($context in [Runtime.Loader.AssemblyLoadContext]::All) {
            foreach ($assembly in $context.Assemblies) {
                $name = $assembly.GetName()
                if ($name.Name -like 'Microsoft.IdentityModel.*' -or $name.Name -in 'MProxy.Tokens', 'MProxy.Engine', 'MProxy.Protocol') {
                    "$($context.Name): $($name.Name) $($name.Version)"
                }
            }
        }
        """;

    [Fact]
    public async Task Tokens_work_beside_another_version_of_their_packages()
    {
        var other = Path.Combine(AppContext.BaseDirectory, "other-version");
        var (code, output, error) = await ShellTests.RunAsync(["-Command", Script.Replace("OTHER", other, StringComparison.Ordinal)]);
        Assert.Equal((0, ""), (code, error));
        var lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["read edge-7 a.example 22 443", "refused The token is no JSON Web Token.", "theirs 7.5.0.0 True"], lines[..3]);
        Assert.Equal(
            [
                "Default: MProxy.Engine 0.1.0.0",
                "Default: MProxy.Protocol 0.1.0.0",
                "Default: Microsoft.IdentityModel.Abstractions 7.5.0.0",
                "Default: Microsoft.IdentityModel.JsonWebTokens 7.5.0.0",
                "Default: Microsoft.IdentityModel.Logging 7.5.0.0",
                "Default: Microsoft.IdentityModel.Tokens 7.5.0.0",
                "MProxy.Tokens: MProxy.Tokens 0.1.0.0",
                "MProxy.Tokens: Microsoft.IdentityModel.Abstractions 8.23.0.0",
                "MProxy.Tokens: Microsoft.IdentityModel.JsonWebTokens 8.23.0.0",
                "MProxy.Tokens: Microsoft.IdentityModel.Logging 8.23.0.0",
                "MProxy.Tokens: Microsoft.IdentityModel.Tokens 8.23.0.0",
            ],
            lines[3..].Order(StringComparer.Ordinal));
    }
}
