using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

/// <summary>Tokens that are refused before their claims count: form, header and signature.</summary>
public class TokenRefusalTests
{
    private const string NoToken = "The token is no JSON Web Token.";
    private const string NoKeySigned = "The token's signature is by none of this relay's keys.";
    private const string NoKeyOfAlgorithm = "The token's algorithm is that of none of this relay's keys.";
    private const string Payload = """{"id":"an identity that is long enough to be seen","domains":["a.example"]}""";

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    public void Algorithm_none_is_refused(string none)
    {
        var header = $$"""{"alg":"{{none}}"}""";
        TokenAssert.Refused("The token is not signed.", $"{Forge.Encode(header)}.{Forge.Encode(Payload)}.");
        TokenAssert.Refused("The token is not signed.", Forge.Hmac(Payload, header));
    }

    [Fact]
    public void A_missing_signature_is_refused()
    {
        TokenAssert.Refused("The token is not signed.", $"{Forge.Encode(Forge.Hs256)}.{Forge.Encode(Payload)}.");
        TokenAssert.Refused("The token's header names no algorithm.", Forge.Hmac(Payload, """{"typ":"JWT"}"""));
        TokenAssert.Refused("The token's header names no algorithm.", Forge.Hmac(Payload, """{"alg":["HS256"]}"""));
    }

    [Fact]
    public void A_public_key_is_never_a_secret()
    {
        foreach (var (pem, key) in new[]
        {
            (Forge.Rsa.ExportSubjectPublicKeyInfoPem(), Forge.RsaPublic),
            (Forge.Rsa.ExportRSAPublicKeyPem(), Forge.RsaPublic),
            (Forge.Ecdsa.ExportSubjectPublicKeyInfoPem(), Forge.EcdsaPublic),
        })
        {
            foreach (var text in new[] { pem, pem + "\n" })
            {
                var token = Forge.Hmac(Payload, secret: Encoding.ASCII.GetBytes(text));
                TokenAssert.Refused(NoKeyOfAlgorithm, token, null, key);
                TokenAssert.Refused(NoKeySigned, token, null, key, Forge.SecretKey);
            }
        }
    }

    [Theory]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("hs256")]
    [InlineData("PS256")]
    [InlineData("RS512")]
    [InlineData("ES384")]
    [InlineData("dir")]
    public void Other_algorithms_are_refused(string algorithm) => TokenAssert.Refused(
        NoKeyOfAlgorithm, Forge.Hmac(Payload, $$"""{"alg":"{{algorithm}}"}"""), null, Forge.SecretKey, Forge.RsaPublic, Forge.EcdsaPublic);

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void Another_key_or_no_key_is_refused(string algorithm)
    {
        var (signs, checks) = Forge.Keys(algorithm);
        var token = TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Id = "edge-7" } }, signs, Forge.Now);
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        TokenKey[] others = [TokenKey.FromSecret(new byte[32]), TokenKey.FromPem(rsa.ExportSubjectPublicKeyInfoPem()), TokenKey.FromPem(ecdsa.ExportSubjectPublicKeyInfoPem())];
        TokenAssert.Refused(NoKeySigned, token, null, others);
        Assert.Equal(NoKeyOfAlgorithm, Assert.Throws<TokenException>(() => TokenLibrary.Load().Verify(token, [], null, Forge.Now)).Message);
        Assert.Equal("edge-7", TokenAssert.Accepted(token, null, [.. others, checks]).Id);
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void Every_changed_byte_is_noticed(string algorithm)
    {
        var (signs, checks) = Forge.Keys(algorithm);
        var token = TokenLibrary.Load().Create(new TokenClaims { Grant = new Grant { Id = "edge-7" } }, signs, Forge.Now);
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            var text = new string(changed);
            var error = Assert.Throws<TokenException>(() => TokenAssert.Accepted(text, null, checks));
            TokenAssert.Shows_nothing_of(text, error);
        }

        var parts = token.Split('.');
        TokenAssert.Refused(NoKeySigned, $"{parts[0]}.{Forge.Encode(Payload)}.{parts[2]}", null, checks);
        var signature = Base64Url.DecodeFromChars(parts[2]);
        foreach (var other in new[] { signature[..^1], signature[..1], [.. signature, 0], new byte[signature.Length], new byte[1000] })
        {
            TokenAssert.Refused(NoKeySigned, $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(other)}", null, checks);
        }
    }

    [Fact]
    public void Critical_headers_are_refused()
    {
        const string reason = "The token's header has critical parameters, and none are known.";
        TokenAssert.Refused(reason, Forge.Hmac(Payload, """{"alg":"HS256","crit":["b64"],"b64":false}"""));
        TokenAssert.Refused(reason, Forge.Hmac(Payload, """{"alg":"HS256","crit":null}"""));
    }

    [Fact]
    public void Nested_and_encrypted_tokens_are_refused()
    {
        const string nested = "The token holds another token, and nested ones are not taken.";
        TokenAssert.Refused(nested, Forge.Hmac(Forge.Hmac(Payload), """{"alg":"HS256","cty":"jwt"}"""));
        TokenAssert.Refused(nested, Forge.Hmac(Payload, """{"alg":"HS256","cty":"JWT"}"""));
        TokenAssert.Refused(NoToken, Forge.Hmac(Forge.Hmac(Payload)));
        const string encrypted = "The token is encrypted, and only signed ones are taken.";
        TokenAssert.Refused(encrypted, $"{Forge.Encode("""{"alg":"dir","enc":"A128CBC-HS256"}""")}..{Forge.Encode("an initial vector")}.{Forge.Encode(Payload)}.{Forge.Encode("a tag of it")}");
        TokenAssert.Refused(encrypted, "....");
    }

    [Fact]
    public void A_long_token_is_refused_before_it_is_read()
    {
        TokenAssert.Refused("The token is longer than 8192 characters.", Forge.Hmac($$"""{"x":"{{new string('a', 8192)}}"}"""));
        TokenAssert.Refused("The token is longer than 8192 characters.", new string('.', 8193));
        var padding = new string('a', 6020);
        var token = Forge.Hmac($$"""{"x":"{{padding}}"}""");
        Assert.InRange(token.Length, 8000, 8192);
        TokenAssert.Accepted(token);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a token that is none")]
    [InlineData("Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.AA=A")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.AAA+")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.Aü世")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.AB")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.e30.A")]
    public void Text_of_another_form_is_refused(string token) => TokenAssert.Refused(NoToken, token);

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("{\"ports\":[1],\"ports\":[2]}")]
    [InlineData("{\"\\ud800\":1}")]
    public void A_payload_or_header_that_is_no_sound_object_is_refused(string json)
    {
        TokenAssert.Refused(NoToken, Forge.Hmac(json));
        TokenAssert.Refused(NoToken, Forge.Hmac(Payload, json));
    }

    [Fact]
    public void A_deeply_nested_payload_is_refused() =>
        TokenAssert.Refused(NoToken, Forge.Hmac($$"""{"x":{{new string('[', 2000)}}{{new string(']', 2000)}}}"""));

    [Fact]
    public void Another_spelling_of_the_same_signature_is_refused()
    {
        // 32 bytes leave two bits of the last character unused.
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var token = Forge.Hmac(Payload);
        var other = token[..^1] + alphabet[alphabet.IndexOf(token[^1], StringComparison.Ordinal) + 1];
        TokenAssert.Refused(NoToken, other);
    }
}
