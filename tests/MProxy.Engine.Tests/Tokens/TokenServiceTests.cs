using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

/// <summary>Tokens that are made and accepted.</summary>
public class TokenServiceTests
{
    private static readonly Grant Everything = new()
    {
        Id = "edge-7",
        Domains = ["app.example.com", "*.example.org"],
        Ports = [443, 0],
        Expires = Forge.Now.AddHours(1),
    };

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void What_is_made_is_read_back(string algorithm)
    {
        var (signs, checks) = Forge.Keys(algorithm);
        var token = TokenLibrary.Load().Create(
            new TokenClaims { Grant = Everything, Audience = "relay.example", NotBefore = Forge.Now.AddMinutes(-5) }, signs, Forge.Now);
        Assert.True(Forge.IsSigned(token, algorithm));
        Assert.Equal($$"""{"alg":"{{algorithm}}","typ":"JWT"}""", Forge.Decode(token, 0));

        // Twice with the same keys: the package must not dispose them.
        for (var i = 0; i < 2; i++)
        {
            var grant = TokenAssert.Accepted(token, "relay.example", Forge.SecretKey, Forge.RsaPublic, Forge.EcdsaPublic, checks);
            Assert.Equal((Everything.Id, Everything.Expires, false), (grant.Id, grant.Expires, grant.IsUnrestricted));
            Assert.Equal(Everything.Domains, grant.Domains);
            Assert.Equal(Everything.Ports, grant.Ports);
        }
    }

    [Fact]
    public void Claims_have_the_names_and_types_of_the_description()
    {
        var claims = new TokenClaims { Grant = Everything with { Domains = ["App.Example.COM"] }, Audience = "r", NotBefore = Forge.Now };
        using var json = System.Text.Json.JsonDocument.Parse(Forge.Decode(TokenLibrary.Load().Create(claims, Forge.SecretKey, Forge.Now), 1));
        var members = json.RootElement.EnumerateObject().Select(member => $"{member.Name}={member.Value.GetRawText()}").Order(StringComparer.Ordinal);
        var now = Forge.Now.ToUnixTimeSeconds();
        Assert.Equal(
            ["aud=\"r\"", "domains=[\"app.example.com\"]", $"exp={now + 3600}", $"iat={now}", "id=\"edge-7\"", $"nbf={now}", "ports=[443,0]"], members);
    }

    [Fact]
    public void A_grant_of_nothing_makes_a_token_that_never_ends()
    {
        var token = TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant() }, Forge.SecretKey, Forge.Now);
        Assert.Equal($$"""{"iat":{{Forge.Now.ToUnixTimeSeconds()}}}""", Forge.Decode(token, 1));
        var grant = TokenAssert.Accepted(token);
        Assert.Equal(("", null), (grant.Id, grant.Expires));
        Assert.Empty(grant.Domains);
        Assert.Empty(grant.Ports);
    }

    [Fact]
    public void The_key_that_signed_is_found_among_others()
    {
        var token = Forge.Hmac("{}", """{"alg":"HS256","kid":"no such key"}""");
        var other = TokenKey.FromSecret(new byte[40]);
        TokenAssert.Accepted(token, null, other, Forge.RsaPublic, Forge.SecretKey);
        TokenAssert.Accepted(token, null, Forge.SecretKey, other);
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void Many_threads_share_a_key(string algorithm)
    {
        var (signs, checks) = Forge.Keys(algorithm);
        var service = TokenLibrary.Load();
        Parallel.For(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var token = service.Create(new TokenClaims { Grant = new Grant { Ports = [i] } }, signs, Forge.Now);
            Assert.Equal([i], service.Verify(token, [checks], null, Forge.Now).Ports);
        });
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void A_public_key_cannot_sign(string algorithm)
    {
        var error = Assert.Throws<TokenException>(
            () => TokenLibrary.Load().Create(new TokenClaims { Grant = Everything }, Forge.Keys(algorithm).Checks, Forge.Now));
        Assert.Equal($"The {algorithm} key is a public one and cannot sign.", error.Message);
    }

    [Fact]
    public void What_only_calls_itself_a_private_key_cannot_sign()
    {
        foreach (var (pem, algorithm) in new[] { (Forge.Rsa.ExportSubjectPublicKeyInfoPem(), "RS256"), (Forge.Ecdsa.ExportSubjectPublicKeyInfoPem(), "ES256") })
        {
            var key = TokenKey.FromPem($"PRIVATE KEY-----\n{pem}");
            var error = Assert.Throws<TokenException>(() => TokenLibrary.Load().Create(new TokenClaims { Grant = Everything }, key, Forge.Now));
            Assert.Equal($"The {algorithm} key cannot sign.", error.Message);
            Assert.Null(error.InnerException);
        }
    }

    [Fact]
    public void Times_are_written_as_they_are_asked_for()
    {
        foreach (var (start, end) in new[] { (10, -10), (0, 0), (200_000_000_000, 200_000_000_000) })
        {
            var claims = new TokenClaims { Grant = new Grant { Expires = Forge.Now.AddSeconds(end).ToOffset(TimeSpan.FromHours(-5)) }, NotBefore = Forge.Now.AddSeconds(start) };
            var payload = Forge.Decode(TokenLibrary.Load().Create(claims, Forge.SecretKey, Forge.Now), 1);
            Assert.Contains($"\"exp\":{Forge.Now.ToUnixTimeSeconds() + end}", payload, StringComparison.Ordinal);
            Assert.Contains($"\"nbf\":{Forge.Now.ToUnixTimeSeconds() + start}", payload, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_is_made_that_would_be_refused()
    {
        Refused("A token names what it allows: it cannot allow everything.", new Grant { IsUnrestricted = true });
        Refused("The identity is longer than 128 characters or has control characters.", new Grant { Id = "a\nb" });
        Assert.Equal("The domain 'a b' is no DNS name and no *.name.", Assert.Throws<TokenException>(() => new Grant { Domains = ["a", "a b"] }).Message);
        Refused("A port is 0 to 65535, and 65536 is none.", new Grant { Ports = [65536] });
        Refused("A token holds at most 1000 ports, and these are 1001.", new Grant { Ports = [.. Enumerable.Range(0, 1001)] });
        Refused("A token holds at most 200 names, and these are 201.", new Grant { Domains = [.. Enumerable.Range(0, 201).Select(i => $"a{i}")] });
        Refused(
            "The token would have 13988 characters, and 8192 are the most.",
            new Grant { Domains = [.. Enumerable.Range(100, 200).Select(i => $"{i}.{new string('a', 43)}.b")] });
    }

    private static void Refused(string reason, Grant grant) => Assert.Equal(reason, Assert.Throws<TokenException>(
        () => TokenLibrary.Load().Create(new TokenClaims { Grant = grant }, Forge.SecretKey, Forge.Now)).Message);
}
