using System.Text;
using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Http;

public class HttpUpgradeTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Other = "GET / HTTP/1.1\r\nHost: g\r\n\r\n";
    private const string Upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Connect = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";

    /// <summary>Final answers, in front of which interim ones may stand.</summary>
    public static TheoryData<string, string, bool> Answers() => new()
    {
        { Upgrade, "HTTP/1.1 101 Switching Protocols\r\n", true },
        { Upgrade, "HTTP/1.1 101\r\n", true },
        { Upgrade, "HTTP/1.0 101 ", true },
        { Upgrade, "HTTP/1.1 200 OK\r\n", false },
        { Upgrade, "HTTP/1.1 400\r\n", false },
        { Upgrade, "HTTP/1.1 099 x", false },
        { Upgrade, "HTTP/1.1 1011", false },
        { Upgrade, "HTTP/1.1 101\n", false },
        { Upgrade, "HTTP/1.1 1:1 ", false },
        { Upgrade, "HTTP/1.1\t101 ", false },
        { Upgrade, "HTTP/2.0 101 ", false },
        { Upgrade, "HTTP/1.2 101 ", false },
        { Upgrade, " HTTP/1.1 101 ", false },
        { Upgrade, "\r\nHTTP/1.1 101 ", false },
        { Upgrade, "SSH-2.0-x\r\n", false },
        { Connect, "HTTP/1.1 200 OK\r\n", true },
        { Connect, "HTTP/1.0 200 Connection established\r\n", true },
        { Connect, "HTTP/1.1 299 ", true },
        { Connect, "HTTP/1.1 101 ", false },
        { Connect, "HTTP/1.1 300 ", false },
        { Connect, "HTTP/1.1 407 ", false },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void What_follows_waits_for_the_answer(string request, string answer, bool isSwitched)
    {
        const string Interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\nX: HTTP/1.1 101 \r\n\r\n";
        foreach (var text in new[] { answer, Interim + answer })
        {
            for (var cut = 0; cut < text.Length; cut++)
            {
                var client = new FollowedClient();
                Assert.True(client.Follower.NeedsAnswer);
                Assert.Equal(FilterVerdict.Go, client.Send(request));
                Assert.Equal(FilterVerdict.Wait, client.Send(Other));
                client.Answer(text[..cut]);
                client.Answer(text[cut..]);
                Assert.False(client.Follower.NeedsAnswer);
                Assert.Equal(isSwitched ? FilterVerdict.Go : FilterVerdict.Stop, client.Send(""));
                Assert.Equal(isSwitched ? request.Length + Other.Length : request.Length, client.Allowed);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 10")]
    [InlineData("HTTP/1.1 101")]
    [InlineData("HTTP/1.1 100 \r\n\r")]
    [InlineData("HTTP/1.1 100 \r\nX: y\r\n\r\nHTTP/1.1 10")]
    public void An_answer_that_is_not_whole_decides_nothing(string answer)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Wait, client.Send(Upgrade + Get));
        Assert.Equal(Upgrade.Length, client.Allowed);
        foreach (var c in answer)
        {
            client.Answer($"{c}");
        }

        Assert.True(client.Follower.NeedsAnswer);
        Assert.Equal(FilterVerdict.Wait, client.Send(""));
    }

    [Theory]
    [InlineData("HTTP/1.1 100 \nX: y\r\n\r\n")]
    [InlineData("HTTP/1.1 100 \r\nX\r\r\n\r\n")]
    [InlineData("HTTP/1.1 100 \r\n\n")]
    [InlineData("HTTP/1.1 100 \r\n\r\n\r\n")]
    public void Nothing_is_switched_behind_a_malformed_interim_answer(string interim)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Wait, client.Send(Upgrade + Other));
        client.Answer(interim + "HTTP/1.1 101 \r\n\r\n");
        Assert.False(client.Follower.NeedsAnswer);
        Assert.Equal(FilterVerdict.Stop, client.Send(""));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void An_interim_answer_has_at_most_16_KiB(int beyond, bool isSwitched)
    {
        const string Start = "HTTP/1.1 100 ";
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Wait, client.Send(Upgrade + Other));
        client.Answer(Start + new string('x', HttpRequestHead.MaxLength - Start.Length - 4 + beyond) + "\r\n\r\nHTTP/1.1 101 ");
        Assert.Equal(isSwitched ? FilterVerdict.Go : FilterVerdict.Stop, client.Send(""));
    }

    [Fact]
    public void Where_nothing_is_switched_the_requests_go_on()
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Wait, client.Send(Upgrade + Get));
        client.Answer("HTTP/1.1 426 Upgrade Required\r\n\r\n");
        Assert.Equal(FilterVerdict.Go, client.Send(""));
        Assert.Equal(FilterVerdict.More, client.Send("GET / HTTP"));
        Assert.Equal(FilterVerdict.Go, client.Send("/1.1\r\nHost: h\r\n\r\n"));
    }

    [Theory]
    [InlineData("Content-Length: 5", "12345")]
    [InlineData("Transfer-Encoding: chunked", "1\r\nx\r\n0\r\n\r\n")]
    public void The_body_of_an_upgrade_goes_before_its_answer(string framing, string body)
    {
        foreach (var isEarly in new[] { false, true })
        {
            var client = new FollowedClient();
            Assert.Equal(FilterVerdict.Go, client.Send($"POST / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n{framing}\r\n\r\n"));
            if (isEarly)
            {
                client.Answer("HTTP/1.1 101 ");
            }

            Assert.Equal(FilterVerdict.Go, client.Send(body));
            Assert.Equal(isEarly ? FilterVerdict.Go : FilterVerdict.Wait, client.Send("\0"));
            client.Answer("HTTP/1.1 101 ");
            Assert.Equal(FilterVerdict.Go, client.Send(""));
        }
    }

    [Theory]
    [InlineData(Get + Upgrade)]
    [InlineData("GET / HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nUpgrade: H2C\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket ,\tHTTP/2.0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: TLS/1.0\r\n\r\n")]
    public void Other_upgrades_are_followed_like_any_request(string requests)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Go, client.Send(requests));
        Assert.False(client.Follower.NeedsAnswer);
        client.Answer("HTTP/1.1 101 \r\n\r\n");
        Assert.Equal(FilterVerdict.Go, client.Send(Get));
        Assert.Equal(FilterVerdict.Stop, client.Send("PRI * HTTP/2.0\r\n\r\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 \r\n\r\n")]
    public void A_later_CONNECT_ends_the_connection(string answer)
    {
        foreach (var first in new[] { Get, Connect })
        {
            var client = new FollowedClient();
            client.Send(first);
            client.Answer(answer.Replace("200", "403", StringComparison.Ordinal));
            var verdict = client.Send(Connect);
            Assert.Equal(first == Connect && answer.Length == 0 ? FilterVerdict.Wait : FilterVerdict.Stop, verdict);
            Assert.Equal(first.Length, client.Allowed);
        }
    }

    [Theory]
    [InlineData("CONNECT g:443 HTTP/1.1\r\nHost: g:443\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: g\r\nUpgrade: websocket\r\n\r\n")]
    public void Nothing_is_switched_for_another_host(string request)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Stop, client.Send(request));
        client.Answer("HTTP/1.1 101 \r\n\r\n");
        Assert.Equal(FilterVerdict.Stop, client.Send(""));
        Assert.Equal(0, client.Allowed);
    }

    [Theory]
    [InlineData(Upgrade, "HTTP/1.1 101 \r\n\r\n")]
    [InlineData(Upgrade, "HTTP/1.1 200 \r\n\r\n")]
    [InlineData(Connect, "HTTP/1.1 200 \r\n\r\n")]
    public void An_answer_that_begins_before_the_request_allows_nothing(string request, string answer)
    {
        for (var cut = 1; cut <= answer.Length; cut++)
        {
            var client = new FollowedClient();
            Assert.Equal(FilterVerdict.More, client.Send(request[..^1]));
            client.Answer(answer[..cut]);
            Assert.False(client.Follower.NeedsAnswer);
            Assert.Equal(FilterVerdict.Go, client.Send("\n"));
            client.Answer(answer[cut..]);
            Assert.Equal(FilterVerdict.Stop, client.Send("\0"));
            Assert.Equal(request.Length, client.Allowed);
        }
    }

    [Fact]
    public async Task The_answer_may_come_on_another_thread()
    {
        for (var round = 0; round < 2_000; round++)
        {
            var client = new FollowedClient();
            Assert.Equal(FilterVerdict.Wait, client.Send(Upgrade + Other));
            var answering = Task.Run(() => Encoding.ASCII.GetBytes("HTTP/1.1 100 \r\n\r\nHTTP/1.1 101 ").ToList().ForEach(b => client.Follower.AnswerSeen([b])), TestContext.Current.CancellationToken);
            while (client.Send("") == FilterVerdict.Wait && !answering.IsCompleted)
            {
                Thread.Yield();
            }

            await answering;
            Assert.Equal(FilterVerdict.Go, client.Send(""));
            Assert.Equal(Upgrade.Length + Other.Length, client.Allowed);
        }
    }
}
