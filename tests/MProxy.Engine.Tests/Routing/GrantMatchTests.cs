using MProxy.Engine.Tokens;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Routing;

/// <summary>What a grant covers, and how closely.</summary>
public class GrantMatchTests
{
    [Theory]
    [InlineData("a.example", "a.example", true, true)]
    [InlineData("a.example", "A.EXAMPLE.", true, true)]
    [InlineData("A.Example.", "a.example", true, true)]
    [InlineData("a.example", "b.a.example", true, false)]
    [InlineData("a.example", "c.b.a.example", true, false)]
    [InlineData("a.example", "ba.example", false, false)]
    [InlineData("a.example", "-.a.example", false, false)]
    [InlineData("a.example", ".a.example", false, false)]
    [InlineData("a.example", "b\0.a.example", false, false)]
    [InlineData("a.example", "b,c.a.example", false, false)]
    [InlineData("a.example", "example", false, false)]
    [InlineData("a.example", "b.example", false, false)]
    [InlineData("a.example", "a.example.b", false, false)]
    [InlineData("*.a.example", "b.a.example", true, true)]
    [InlineData("*.a.example", "c.b.a.example", true, true)]
    [InlineData("*.a.example", "a.example", false, false)]
    [InlineData("*.a.example", "ba.example", false, false)]
    [InlineData("*.a.example", "*.a.example", false, false)]
    [InlineData("*.com", "a.com", true, true)]
    [InlineData("com", "a.com", true, false)]
    [InlineData("a.example", "1.2.3.4", false, false)]
    [InlineData("bücher.example", "xn--bcher-kva.example", true, true)]
    public void A_name_is_covered(string domain, string name, bool withSubdomains, bool exactly)
    {
        var grant = new Grant { Domains = ["z.example", domain], Ports = [443] };
        var client = new FrameMeta { Name = name, ServicePort = 443 };
        Assert.Equal(withSubdomains, grant.Allows(client, nameCoversSubdomains: true));
        Assert.Equal(exactly, grant.Allows(client, nameCoversSubdomains: false));
    }

    [Fact]
    public void The_very_name_is_closest_and_then_the_longest_that_it_is_below_of()
    {
        string[] closestFirst = ["c.b.a.example", "*.b.a.example", "*.a.example", "*.example"];
        var scores = closestFirst.Select(domain => new Grant { Domains = [domain] }.Match("c.b.a.example", nameCoversSubdomains: true)!.Value).ToArray();
        Assert.Equal(scores.OrderDescending().Distinct(), scores);

        // A name that stands for what is below it does so like its wildcard, whatever the order of the domains.
        Assert.Equal(scores[1..], closestFirst[1..].Select(domain => new Grant { Domains = [domain[2..]] }.Match("c.b.a.example", nameCoversSubdomains: true)!.Value));
        Assert.Equal(scores[0], new Grant { Domains = closestFirst }.Match("c.b.a.example", nameCoversSubdomains: true));
        Assert.Equal(scores[0], new Grant { Domains = [.. closestFirst.Reverse()] }.Match("c.b.a.example", nameCoversSubdomains: true));
        Assert.Equal(scores[1], new Grant { Domains = [.. closestFirst[1..].Reverse()] }.Match("c.b.a.example", nameCoversSubdomains: false));
    }

    [Theory]
    [InlineData(null, 22, true)]
    [InlineData("", 22, true)]
    [InlineData(null, 23, false)]
    [InlineData(null, null, false)]
    [InlineData("a.example", 23, true)]
    [InlineData("b.example", 22, false)]
    [InlineData("a b", 22, false)]
    public void A_client_without_a_name_is_covered_by_its_port(string? name, int? port, bool covered)
    {
        var client = new FrameMeta { Name = name, ServicePort = port };
        Assert.Equal(covered, new Grant { Domains = ["a.example"], Ports = [22] }.Allows(client, nameCoversSubdomains: true));
        Assert.True(new Grant { IsUnrestricted = true }.Allows(client, nameCoversSubdomains: false));
        Assert.False(new Grant().Allows(client, nameCoversSubdomains: true));
    }

    [Fact]
    public void Domains_are_folded_once_when_a_grant_is_made()
    {
        var grant = new Grant { Domains = ["A.example.", "*.Bücher.example", "a.EXAMPLE"] };
        Assert.Equal(["a.example", "*.xn--bcher-kva.example"], grant.Domains);
        Assert.Same(grant.Domains, (grant with { Ports = [1] }).Domains);
        var error = Assert.Throws<TokenException>(() => grant with { Domains = ["a.example", "a\n.example"] });
        Assert.Equal("The domain 'a?.example' is no DNS name and no *.name.", error.Message);
    }
}
