using CsCheck;
using MProxy.Engine.Tokens;

namespace MProxy.Engine.Tests.Tokens;

/// <summary>Whatever comes, it ends in a grant or a <see cref="TokenException"/> that shows nothing of it.</summary>
public class TokenFuzzTests
{
    private static readonly Gen<string> Json =
        Gen.String[Gen.Char["{}[]\":,0123456789.eE+-\\undtrflaspoix \n\u0000ü世"], 0, 40];

    private static readonly Gen<string> Value = Gen.OneOf(
        Json, Word("null", "true", "{}", "[]", "\"\"", "[null]", "[{}]", "\"a.example\"", "[\"*.a\"]", "80", "[80,1]", "-0", "1e9999", "1795514401"));

    private static readonly Gen<string> Object =
        from names in Word("id", "domains", "ports", "exp", "nbf", "aud", "iat", "alg", "kid", "crit", "typ", "cty", "x5t", "enc", "zip", "jwk").Array[0, 4]
        from values in Value.Array[4]
        select $"{{{string.Join(',', names.Select((name, i) => $"\"{name}\":{values[i]}"))}}}";

    [Fact]
    public void Any_characters() => Gen.String[0, 300].Sample(Check, iter: 3000);

    [Fact]
    public void Any_characters_of_tokens() => Gen.String[Gen.Char["ABCDEFeyJabc0123-_=+/ .."], 0, 200].Sample(Check, iter: 3000);

    [Fact]
    public void Any_bytes_in_the_form_of_a_token() =>
        Gen.Select(Gen.Byte.Array[0, 60], Gen.Byte.Array[0, 60], Gen.Byte.Array[0, 60]).Sample(
            (header, payload, signature) => Check(string.Join('.', new[] { header, payload, signature }.Select(part => System.Buffers.Text.Base64Url.EncodeToString(part)))),
            iter: 3000);

    [Fact]
    public void Any_well_signed_claims() => Gen.OneOf(Object, Json).Sample(json => Check(Forge.Hmac(json)), iter: 3000);

    [Fact]
    public void Any_well_signed_bytes() => Gen.Byte.Array[0, 100].Sample(bytes => Check(Forge.Hmac(bytes)), iter: 1000);

    [Fact]
    public void Any_header() => Object.Sample(
        json => Check(Forge.Hmac("{}", json.Length > 2 ? $$"""{"alg":"HS256",{{json[1..]}}""" : json)), iter: 3000);

    [Fact]
    public void Any_cut_or_doubled_token()
    {
        var token = Forge.Hmac("""{"id":"edge-7","ports":[1,2,3]}""");
        for (var i = 0; i < token.Length; i++)
        {
            Check(token[..i]);
            Check(token[i..]);
            Check(token[..i] + token);
        }
    }

    private static Gen<string> Word(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    private static void Check(string token)
    {
        try
        {
            TokenAssert.Accepted(token, null, Forge.SecretKey, Forge.RsaPublic, Forge.EcdsaPublic);
        }
        catch (TokenException error)
        {
            TokenAssert.Shows_nothing_of(token, error);
        }
    }
}
