using System.Text;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Routing;

/// <summary>The one spelling of names, and what is no name.</summary>
public class ServerNameTests
{
    private static readonly string Label = new('a', 63);

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("A.Example.COM", "a.example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("localhost", "localhost")]
    [InlineData("_dmarc.a-b.example", "_dmarc.a-b.example")]
    [InlineData("a_", "a_")]
    [InlineData("1.example", "1.example")]
    [InlineData("0x7f.example", "0x7f.example")]
    [InlineData("x0", "x0")]
    [InlineData("0xg", "0xg")]
    [InlineData("BÜCHER.example", "xn--bcher-kva.example")]
    [InlineData("a.bücher。example.", "a.xn--bcher-kva.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example")]
    [InlineData("世界", "xn--rhqv96g")]
    [InlineData("straße.example", "xn--strae-oqa.example")]
    [InlineData("ΒΌΛΟΣ.com", "xn--nxasmq6b.com")]
    [InlineData("\u212a.example", "k.example")]
    [InlineData("ü_a.example", "xn--_a-wka.example")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1.", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("[::1]", "::1")]
    [InlineData("[2001:DB8:0:0::1]", "2001:db8::1")]
    [InlineData("::FFFF:1.2.3.4", "::ffff:1.2.3.4")]
    public void A_name_has_one_spelling(string host, string expected)
    {
        Assert.Equal(expected, ServerName.TryFold(host));
        Assert.Equal(expected, ServerName.TryFold(expected));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a..")]
    [InlineData("a..b")]
    [InlineData("-a.example")]
    [InlineData("a-.example")]
    [InlineData("a.-")]
    [InlineData("a,b.example")]
    [InlineData("a b.example")]
    [InlineData(" a.example")]
    [InlineData("a.example\r")]
    [InlineData("a.example\0")]
    [InlineData("a\t.example")]
    [InlineData("a\u007f.example")]
    [InlineData("a/b.example")]
    [InlineData("a%2e.example")]
    [InlineData("a\\b.example")]
    [InlineData("user@a.example")]
    [InlineData("a.example:80")]
    [InlineData("*")]
    [InlineData("*.a.example")]
    [InlineData("ü..example")]
    [InlineData("ü b.example")]
    [InlineData("ü,b.example")]
    [InlineData("-ü.example")]
    [InlineData("\ud800.example")]
    [InlineData("１.２.３.４")]
    [InlineData("ＡＢＣ.example")]
    [InlineData("bu\u0308cher.example")]
    [InlineData("a\u200db.example")]
    [InlineData("ü\u202e.example")]
    [InlineData("℀.example")]
    [InlineData("İ.example")]
    [InlineData("☃.example")]
    [InlineData("ﬁ.example")]
    [InlineData("ü．example")]
    [InlineData("ü.xn--bcher-kva")]
    [InlineData("127.1")]
    [InlineData("010.0.0.1")]
    [InlineData("256.0.0.1")]
    [InlineData("1.2.3.4.5")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0X7F.0.0.0X1")]
    [InlineData("a.0x")]
    [InlineData("a.example.1")]
    [InlineData("[127.0.0.1]")]
    [InlineData("[a.example]")]
    [InlineData("[::1")]
    [InlineData("::1]")]
    [InlineData("[[::1]]")]
    [InlineData("[]")]
    [InlineData("[::1]:80")]
    [InlineData("::1.")]
    [InlineData("::1/64")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1:2")]
    [InlineData("::1::")]
    [InlineData("12345::")]
    public void What_is_neither_name_nor_address_has_none(string host) => Assert.Null(ServerName.TryFold(host));

    [Fact]
    public void Names_and_labels_have_limits()
    {
        Assert.Equal(Label, ServerName.TryFold(Label));
        Assert.Null(ServerName.TryFold($"a{Label}"));
        var longest = $"{Label}.{Label}.{Label}.{Label[..61]}";
        Assert.Equal(253, longest.Length);
        Assert.Equal(longest, ServerName.TryFold(longest));
        Assert.Equal(longest, ServerName.TryFold($"{longest}."));
        Assert.Null(ServerName.TryFold($"{longest}a"));
        Assert.Null(ServerName.TryFold($"{longest[..^1]}ü"));
        Assert.Null(ServerName.TryFold(new string('a', 1 << 20)));
    }

    [Fact]
    public void The_bytes_of_a_wire_are_ascii()
    {
        Assert.Equal("a.example", ServerName.TryFold("A.example."u8));
        Assert.Equal("::1", ServerName.TryFold("[::1]"u8));
        Assert.Null(ServerName.TryFold("bücher.example"u8));
        Assert.Null(ServerName.TryFold("a.example\0"u8));
        Assert.Null(ServerName.TryFold([]));
        Assert.Null(ServerName.TryFold(new byte[1000]));
        Assert.Null(ServerName.TryFold([(byte)'a', 0xff]));
    }

    [Theory]
    [InlineData("A.Example.", "a.example")]
    [InlineData("*.A.Example.", "*.a.example")]
    [InlineData("*.com", "*.com")]
    [InlineData("*.bücher.example", "*.xn--bcher-kva.example")]
    [InlineData("[::1]", "::1")]
    [InlineData("1.2.3.4", "1.2.3.4")]
    public void A_pattern_has_one_spelling(string domain, string expected)
    {
        Assert.Equal(expected, ServerName.TryFoldPattern(domain));
        Assert.Equal(expected, ServerName.TryFoldPattern(expected));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*..")]
    [InlineData("**.a")]
    [InlineData("*.*.a")]
    [InlineData("*a.example")]
    [InlineData("a*.example")]
    [InlineData("a.*")]
    [InlineData("a.*.example")]
    [InlineData("*.1.2.3.4")]
    [InlineData("*.::1")]
    [InlineData("*.[::1]")]
    [InlineData("＊.example")]
    public void What_is_no_pattern_has_none(string domain) => Assert.Null(ServerName.TryFoldPattern(domain));

    [Theory]
    [InlineData("1.2.3.4", true)]
    [InlineData("::1", true)]
    [InlineData("a.example", false)]
    [InlineData("1.2.3.a", false)]
    [InlineData("*.a.example", false)]
    public void Addresses_are_told_from_names(string folded, bool isAddress) => Assert.Equal(isAddress, ServerName.IsAddress(folded));

    [Fact]
    public void Whatever_the_text_is_nothing_is_thrown_and_what_is_folded_stays()
    {
        var random = new Random(4711);
        const string Alphabet = "aZ09-_..:[]%/, *\0\r\x7füßİKς。\u200d\u0301\ud800\udc00世fx";
        var (folded, bytes) = (0, 0);
        for (var round = 0; round < 50_000; round++)
        {
            var text = new string(random.GetItems(Alphabet.AsSpan(), random.Next(12)));
            text = round % 2 == 0 ? text : text.Insert(random.Next(text.Length + 1), "a.b.example");
            if (ServerName.TryFold(text) is { } name)
            {
                folded++;
                Assert.Equal(name, ServerName.TryFold(name));
                Assert.Equal(name, ServerName.TryFold(name.ToUpperInvariant()));
                Assert.Equal(name, ServerName.TryFoldPattern(text));
                Assert.DoesNotContain(name, letter => !char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && !"-_.:".Contains(letter, StringComparison.Ordinal));
            }

            // A wire has no other reading of the same bytes, and none at all of what is beyond ASCII.
            var wire = Encoding.UTF8.GetBytes(text);
            bytes += ServerName.TryFold(wire) is null ? 0 : 1;
            Assert.Equal(text.All(char.IsAscii) ? ServerName.TryFold(text) : null, ServerName.TryFold(wire));
        }

        Assert.InRange(folded, 1000, 40_000);
        Assert.InRange(bytes, 1000, folded);
    }
}
