namespace MProxy.Engine.Tests.Tokens;

/// <summary>Claims of well-signed tokens: what they mean, and which are refused.</summary>
public class TokenClaimTests
{
    private static readonly long Now = Forge.Now.ToUnixTimeSeconds();

    [Theory]
    [InlineData("0", "The token has expired at 2026-11-24T10:00:00Z.")]
    [InlineData("-1", "The token has expired at 2026-11-24T09:59:59Z.")]
    [InlineData("-0.5", "The token has expired at 2026-11-24T09:59:59.5Z.")]
    public void A_token_ends_at_the_very_second(string seconds, string reason) =>
        TokenAssert.Refused(reason, Forge.Hmac($$"""{"exp":{{At(seconds)}}}"""));

    [Fact]
    public void A_token_holds_until_just_before_its_end()
    {
        Assert.Equal(Forge.Now.AddSeconds(1), TokenAssert.Accepted(Forge.Hmac($$"""{"exp":{{Now + 1}}}""")).Expires);
        Assert.Equal(Forge.Now.AddSeconds(0.5), TokenAssert.Accepted(Forge.Hmac($$"""{"exp":{{Now}}.5}""")).Expires);
        Assert.Equal(9999, TokenAssert.Accepted(Forge.Hmac("""{"exp":253402300799}""")).Expires!.Value.Year);
    }

    [Fact]
    public void A_token_starts_with_a_minute_of_leeway()
    {
        TokenAssert.Accepted(Forge.Hmac($$"""{"nbf":{{Now + 60}}}"""));
        TokenAssert.Refused("The token does not hold before 2026-11-24T10:01:01Z.", Forge.Hmac($$"""{"nbf":{{Now + 61}}}"""));
    }

    [Theory]
    [InlineData("exp", "\"1795514400\"")]
    [InlineData("exp", "null")]
    [InlineData("exp", "[1795514400]")]
    [InlineData("exp", "1e300")]
    [InlineData("exp", "9223372036854775807")]
    [InlineData("exp", "253402300800")]
    [InlineData("exp", "1895514400000")]
    [InlineData("nbf", "-1e300")]
    [InlineData("nbf", "true")]
    [InlineData("nbf", "{}")]
    public void A_time_of_a_wrong_type_or_range_is_refused(string claim, string value) =>
        TokenAssert.Refused($"The token's claim {claim} is no time in seconds since 1970.", Forge.Hmac($$"""{"{{claim}}":{{value}}}"""));

    [Fact]
    public void The_audience_counts_when_it_is_asked_for()
    {
        TokenAssert.Accepted(Forge.Hmac("""{"aud":"one"}"""), "one");
        TokenAssert.Accepted(Forge.Hmac("""{"aud":["two","one"]}"""), "one");
        TokenAssert.Accepted(Forge.Hmac("""{"aud":"two"}"""));
        TokenAssert.Accepted(Forge.Hmac("{}"));
        foreach (var other in new[] { "\"two\"", "\"ONE\"", "\"\"", "[\"two\",\"one \"]" })
        {
            TokenAssert.Refused("The token is for another audience.", Forge.Hmac($$"""{"aud":{{other}}}"""), "one");
        }

        TokenAssert.Refused("The token names no audience, and this relay asks for one.", Forge.Hmac("{}"), "one");
        TokenAssert.Refused("The token names no audience, and this relay asks for one.", Forge.Hmac("""{"aud":[]}"""), "one");
    }

    [Theory]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{\"one\":1}")]
    [InlineData("[\"one\",2]")]
    [InlineData("\"\\ud800\"")]
    public void An_audience_of_a_wrong_type_is_refused(string value)
    {
        const string reason = "The token's claim aud is neither a string nor a list of strings.";
        TokenAssert.Refused(reason, Forge.Hmac($$"""{"aud":{{value}}}"""), "one");
        TokenAssert.Refused(reason, Forge.Hmac($$"""{"aud":{{value}}}"""));
    }

    [Theory]
    [InlineData("\"one.example\"", "one.example")]
    [InlineData("[]", "")]
    [InlineData("[\"A.Example\",\"a.example\",\"*.B.example\"]", "a.example *.b.example")]
    [InlineData("[\"bücher.example\",\"*.BÜCHER.example\",\"xn--bcher-kva.example\"]", "xn--bcher-kva.example *.xn--bcher-kva.example")]
    [InlineData("[\"A.example.\",\"*.a.example.\"]", "a.example *.a.example")]
    [InlineData("[\"localhost\",\"_dmarc.a-b.example\",\"1.example\"]", "localhost _dmarc.a-b.example 1.example")]
    public void Domains_are_names_in_one_spelling(string value, string expected) =>
        Assert.Equal(expected, string.Join(' ', TokenAssert.Accepted(Forge.Hmac($$"""{"domains":{{value}}}""")).Domains));

    [Theory]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[[\"a.example\"]]")]
    [InlineData("\"\\ud800.example\"")]
    public void What_is_no_text_is_no_domain(string value) =>
        TokenAssert.Refused("The token's claim domains holds what is no DNS name.", Forge.Hmac($$"""{"domains":{{value}}}"""));

    [Theory]
    [InlineData("", "")]
    [InlineData("*", "*")]
    [InlineData("*.", "*.")]
    [InlineData("*.*.example", "*.*.example")]
    [InlineData("a.*.example", "a.*.example")]
    [InlineData("*a.example", "*a.example")]
    [InlineData("a..example", "a..example")]
    [InlineData("a.example..", "a.example..")]
    [InlineData(".example", ".example")]
    [InlineData("-a.example", "-a.example")]
    [InlineData("a-.example", "a-.example")]
    [InlineData("a b.example", "a b.example")]
    [InlineData("a.example\\n", "a.example?")]
    [InlineData("a.example\\u0000", "a.example?")]
    [InlineData("a\\u202e.example", "a?.example")]
    [InlineData("a,b.example", "a,b.example")]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("*.1.2.3.4", "*.1.2.3.4")]
    [InlineData("[::1]", "[::1]")]
    [InlineData("https://a.example", "https://a.example")]
    [InlineData("ü..example", "ü..example")]
    public void What_is_no_domain_is_refused_and_named(string value, string shown) =>
        TokenAssert.Refused($"The domain '{shown}' is no DNS name and no *.name.", Forge.Hmac($$"""{"domains":["a.example","{{value}}"]}"""));

    [Fact]
    public void Long_domains_are_refused()
    {
        var label = new string('a', 63);
        TokenAssert.Accepted(Forge.Hmac($$"""{"domains":"{{label}}.{{label}}.{{label}}.{{label[..61]}}"}"""));
        TokenAssert.Refused(
            $"The domain '{label}.{label[..16]}…' is no DNS name and no *.name.", Forge.Hmac($$"""{"domains":"{{label}}.{{label}}.{{label}}.{{label[..62]}}"}"""));
        TokenAssert.Refused($"The domain 'a{label}.example' is no DNS name and no *.name.", Forge.Hmac($$"""{"domains":"a{{label}}.example"}"""));
    }

    [Theory]
    [InlineData("443", "443")]
    [InlineData("[]", "")]
    [InlineData("[0,65535,22,22]", "0 65535 22")]
    public void Ports_are_whole_numbers(string value, string expected) =>
        Assert.Equal(expected, string.Join(' ', TokenAssert.Accepted(Forge.Hmac($$"""{"ports":{{value}}}""")).Ports));

    [Theory]
    [InlineData("-1")]
    [InlineData("65536")]
    [InlineData("4294967296")]
    [InlineData("22.5")]
    [InlineData("\"22\"")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[22,true]")]
    [InlineData("[[22]]")]
    public void What_is_no_port_is_refused(string value) =>
        TokenAssert.Refused("The token's claim ports holds what is no whole number from 0 to 65535.", Forge.Hmac($$"""{"ports":{{value}}}"""));

    [Fact]
    public void Lists_have_limits()
    {
        Assert.Equal(200, TokenAssert.Accepted(Forge.Hmac(Domains(200))).Domains.Count);
        TokenAssert.Refused("The token's claim domains has more than 200 entries.", Forge.Hmac(Domains(201)));
        Assert.Equal(1000, TokenAssert.Accepted(Forge.Hmac(Ports(1000))).Ports.Count);
        TokenAssert.Refused("The token's claim ports has more than 1000 entries.", Forge.Hmac(Ports(1001)));

        static string Domains(int count) => $$"""{"domains":[{{string.Join(',', Enumerable.Range(1, count).Select(i => $"\"a{i}\""))}}]}""";
        static string Ports(int count) => $$"""{"ports":[{{string.Join(',', Enumerable.Range(1, count))}}]}""";
    }

    [Fact]
    public void An_identity_is_a_string_that_can_be_shown()
    {
        var longest = new string('i', 128);
        foreach (var id in new[] { longest, "", "Gerät 世 🚇", "{\\\"not\\\": \\\"read\\\"}" })
        {
            Assert.Equal(id.Replace("\\", "", StringComparison.Ordinal), TokenAssert.Accepted(Forge.Hmac($$"""{"id":"{{id}}"}""")).Id);
        }

        foreach (var value in new[] { $"\"i{longest}\"", "7", "null", "[\"a\"]", "\"a\\nb\"", "\"\\u001b[2J\"", "\"\\u0085\"", "\"\\u202e\"", "\"\\u2028\"", "\"\\udc00\"" })
        {
            TokenAssert.Refused("The token's claim id is no string of up to 128 characters without control characters.", Forge.Hmac($$"""{"id":{{value}}}"""));
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused() =>
        TokenAssert.Refused("The token's claim id is no string of up to 128 characters without control characters.", Forge.Hmac([.. "{\"id\":\""u8, 0xff, .. "\"}"u8]));

    [Theory]
    [InlineData("\"iat\":\"now\"")]
    [InlineData("\"iss\":[1,{}]")]
    [InlineData("\"sub\":5,\"jti\":null")]
    [InlineData("\"x\":1e400,\"y\":\"\\ud800\",\"z\":[[[]]]")]
    [InlineData("\"EXP\":1,\"Exp\":\"\"")]
    [InlineData("\"cnf\":{\"jwk\":5},\"actort\":\"a.b.c\"")]
    public void Unknown_claims_are_ignored(string claims) =>
        Assert.Equal([22], TokenAssert.Accepted(Forge.Hmac($$"""{{{claims}},"ports":[22]}""")).Ports);

    private static string At(string seconds) => (Now + decimal.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
