using System.Text;
using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Http;

public class HttpFollowerFuzzTests
{
    private const string Answer = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n";

    private static readonly string[] Requests =
    [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789\r\n",
        "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1f;a=b\r\n0123456789012345678901234567890\r\n0\r\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    ];

    private static readonly byte[] Alphabet = Encoding.Latin1.GetBytes("\r\n\r\n :;,/aH\t\0\x7f\xff019f+-");

    [Fact]
    public void Whatever_the_bytes_are_nothing_is_thrown_and_cuts_change_nothing()
    {
        var random = new Random(4711);
        var counts = new int[Enum.GetValues<FilterVerdict>().Length];
        for (var round = 0; round < 20_000; round++)
        {
            var stream = Mutate(random, string.Concat(random.GetItems(Requests, 1 + random.Next(5))), random.Next(3));
            var answer = Mutate(random, Answer, random.Next(2));

            var whole = new FollowedClient();
            counts[(int)whole.Send(stream)]++;
            whole.Follower.AnswerSeen(answer);
            whole.Send([]);
            var cut = new FollowedClient();
            for (var at = 0; at < stream.Length;)
            {
                var count = Math.Min(stream.Length - at, 1 + random.Next(40));
                cut.Send(stream.AsSpan(at, count));
                at += count;
            }

            foreach (var b in answer)
            {
                cut.Follower.AnswerSeen([b]);
            }

            cut.Send([]);
            Assert.Equal(whole.Verdict, cut.Verdict);
            Assert.Equal(whole.Allowed, cut.Allowed);
            Assert.Equal(whole.Follower.Reason, cut.Follower.Reason);
            Assert.Equal(whole.Follower.NeedsAnswer, cut.Follower.NeedsAnswer);
        }

        // The streams are of all kinds.
        Assert.All(counts, count => Assert.InRange(count, 100, 19_000));
    }

    [Fact]
    public void Behind_any_requests_that_go_another_host_does_not()
    {
        var random = new Random(4712);
        var tried = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var start = Mutate(random, string.Concat(random.GetItems(Requests, 1 + random.Next(3))), random.Next(2));
            var client = new FollowedClient();
            if (client.Send(start) == FilterVerdict.Go && client.Send("G") == FilterVerdict.More)
            {
                Assert.Equal(FilterVerdict.Stop, client.Send("ET / HTTP/1.1\r\nHost: g\r\n\r\n"));
                Assert.Equal(start.Length, client.Allowed);
                tried++;
            }
        }

        Assert.InRange(tried, 1_000, 20_000);
    }

    private static byte[] Mutate(Random random, string text, int changes)
    {
        var bytes = Encoding.Latin1.GetBytes(text).ToList();
        for (var change = 0; change < changes; change++)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0:
                    bytes[at] = Alphabet[random.Next(Alphabet.Length)];
                    break;
                case 1:
                    bytes.Insert(at, Alphabet[random.Next(Alphabet.Length)]);
                    break;
                default:
                    bytes.RemoveAt(at);
                    break;
            }
        }

        return [.. bytes];
    }
}
