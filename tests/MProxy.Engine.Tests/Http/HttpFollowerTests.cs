using System.Text;
using MProxy.Engine.Http;
using MProxy.Engine.Link;

namespace MProxy.Engine.Tests.Http;

public class HttpFollowerTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string ChunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// <summary>Heads, which go as a whole, in turn with what goes byte by byte.</summary>
    private static readonly string[] Parts =
    [
        Get, "",
        "POST /a HTTP/1.1\r\nHost: H:80\r\nContent-Length: 12\r\n\r\n", "GET / evil\r\n",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "",
        ChunkedHead, "5\r\n\r\n0\r\n\r\nA;a=b;c=\"d\"\r\n0123456789\r\n0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "",
        ChunkedHead, "0000000000000001\r\nx\r\n000;a\r\nX: y\r\nExpires:\r\nTransfer-EncodingX: y\r\nHosts:\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "",
        "GET / HTTP/1.0\r\nHost: h\r\nContent-Length: 1\r\n\r\n", "x",
        "\r\n", "",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "",
        Get, "",
    ];

    private static readonly byte[] Stream = Encoding.Latin1.GetBytes(string.Concat(Parts));

    [Fact]
    public void Of_every_part_of_a_stream_all_goes_but_an_unfinished_head()
    {
        for (var length = 0; length <= Stream.Length; length++)
        {
            var client = new FollowedClient();
            client.Send(Stream.AsSpan(0, length));
            Assert.Equal(ExpectedOf(length), client.Allowed);
            Assert.Equal(client.Allowed == length ? FilterVerdict.Go : FilterVerdict.More, client.Verdict);
        }
    }

    [Fact]
    public void A_stream_may_be_cut_anywhere()
    {
        for (var cut = 0; cut <= Stream.Length; cut++)
        {
            var client = new FollowedClient();
            client.Send(Stream.AsSpan(0, cut));
            Assert.Equal(ExpectedOf(cut), client.Allowed);
            Assert.Equal(FilterVerdict.Go, client.Send(Stream.AsSpan(cut)));
            Assert.Equal(Stream.Length, client.Allowed);
        }

        var slow = new FollowedClient();
        for (var at = 0; at < Stream.Length; at++)
        {
            slow.Send(Stream.AsSpan(at, 1));
            Assert.Equal(ExpectedOf(at + 1), slow.Allowed);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: g\r\n\r\n", "another host")]
    [InlineData("GET / HTTP/1.1\r\nHost: h.\r\n\r\n", "another host")]
    [InlineData("GET http://g/ HTTP/1.1\r\nHost: g\r\n\r\n", "another host")]
    [InlineData("GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", "no host")]
    [InlineData("GET / HTTP/1.1\r\nHost: h!\r\n\r\n", "no host")]
    [InlineData("GET / HTTP/1.1\r\nHost: -\r\n\r\n", "another host")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "no host")]
    [InlineData("GET http://g/ HTTP/1.1\r\nHost: h\r\n\r\n", "malformed")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "malformed")]
    [InlineData("GET / HTTP/1.1\nHost: h\n\n", "malformed")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed")]
    [InlineData("\n", "malformed")]
    [InlineData("\0", "malformed")]
    [InlineData(" ", "malformed")]
    public void A_request_that_is_not_for_the_host_ends_the_connection(string request, string reason)
    {
        // As the first one, and behind another.
        foreach (var start in new[] { "", Get })
        {
            var client = new FollowedClient();
            Assert.Equal(FilterVerdict.Stop, client.Send(start + request + Get));
            Assert.Equal(start.Length, client.Allowed);
            Assert.Contains(reason, client.Follower.Reason, StringComparison.Ordinal);

            // Nothing gets it going again.
            Assert.Equal(FilterVerdict.Stop, client.Follower.Check(Encoding.Latin1.GetBytes(Get), out var allowed));
            Assert.Equal(0, allowed);
        }
    }

    [Theory]
    [MemberData(nameof(Smuggling.Framings), MemberType = typeof(Smuggling))]
    public void No_byte_of_a_request_whose_end_is_in_doubt_goes(string headers)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Stop, client.Send($"{Get}POST / HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n0\r\n\r\n{Get}"));
        Assert.Equal(Get.Length, client.Allowed);
    }

    [Theory]
    [MemberData(nameof(Smuggling.Chunks), MemberType = typeof(Smuggling))]
    public void A_broken_chunk_ends_the_connection_at_the_byte_that_breaks_it(string body)
    {
        var text = Encoding.Latin1.GetBytes(ChunkedHead + body);
        var whole = new FollowedClient();
        Assert.Equal(FilterVerdict.Stop, whole.Send([.. text, .. "\r\n\r\n"u8]));
        Assert.Equal(text.Length - 1, whole.Allowed);
        Assert.Contains("chunked", whole.Follower.Reason, StringComparison.Ordinal);

        var slow = new FollowedClient();
        foreach (var b in text)
        {
            Assert.NotEqual(FilterVerdict.Stop, slow.Verdict);
            slow.Send([b]);
        }

        Assert.Equal(FilterVerdict.Stop, slow.Verdict);
        Assert.Equal(text.Length - 1, slow.Allowed);
    }

    [Theory]
    [InlineData("7fffffffffffffff\r\n")]
    [InlineData("7FFFFFFFFFFFFFFF;a\r\n")]
    [InlineData("0000000000000009\r\n")]
    public void The_longest_sizes_are_sizes(string size)
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Go, client.Send(ChunkedHead + size + "\0\r\n\n 0 \r"));
    }

    [Fact]
    public void Extensions_and_trailers_have_a_length_that_just_fits()
    {
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Go, client.Send($"{ChunkedHead}1;{new string('a', 1024)}\r\nx\r\n0\r\na:{new string('b', (16 << 10) - 6)}\r\n\r\n{Get}"));
    }

    [Theory]
    [InlineData("\r\n", true)]
    [InlineData("\r\n\r\n", false)]
    [InlineData("\n", false)]
    [InlineData("\r\r\n", false)]
    public void One_empty_line_may_stand_between_requests(string between, bool isGood)
    {
        foreach (var first in new[] { Get, ChunkedHead + "0\r\n\r\n" })
        {
            var client = new FollowedClient();
            Assert.Equal(isGood ? FilterVerdict.Go : FilterVerdict.Stop, client.Send(first + between + Get + between + Get));
        }

        Assert.Equal(FilterVerdict.Stop, new FollowedClient().Send(between + Get));
    }

    [Fact]
    public void A_head_has_at_most_16_KiB()
    {
        var room = HttpRequestHead.MaxLength - Get.Length - "X: \r\n".Length;
        var client = new FollowedClient();
        Assert.Equal(FilterVerdict.Go, client.Send(Get[..^2] + $"X: {new string('x', room)}\r\n\r\n"));
        Assert.Equal(FilterVerdict.Stop, client.Send(Get[..^2] + $"X: {new string('x', room + 1)}\r\n\r\n"));
        Assert.Equal(HttpRequestHead.MaxLength, client.Allowed);

        var endless = new FollowedClient();
        Assert.Equal(FilterVerdict.More, endless.Send(new string('x', HttpRequestHead.MaxLength - 1)));
        Assert.Equal(FilterVerdict.Stop, endless.Send("x"));
        Assert.Equal(0, endless.Allowed);
    }

    [Fact]
    public void A_body_of_more_than_4_GiB_is_counted_to_its_end_without_memory()
    {
        const long Length = (5L << 30) + 1;
        var piece = new byte[1 << 20];
        var follower = new HttpRequestFollower("h", host => host);
        Assert.Equal(FilterVerdict.Go, follower.Check(Encoding.ASCII.GetBytes($"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {Length}\r\n\r\n"), out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var left = Length;
        while (left >= piece.Length && follower.Check(piece, out var count) == FilterVerdict.Go)
        {
            left -= count;
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
        Assert.Equal(1, left);
        Assert.Equal(FilterVerdict.Stop, follower.Check(piece, out var allowed));
        Assert.Equal(1, allowed);
    }

    [Fact]
    public void Chunks_cost_no_memory()
    {
        var chunks = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("A;a=b\r\n0123456789\r\n", 10_000)));
        var follower = new HttpRequestFollower("h", host => host);
        follower.Check(Encoding.ASCII.GetBytes(ChunkedHead), out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(FilterVerdict.Go, follower.Check(chunks, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    private static int ExpectedOf(int length)
    {
        var expected = 0;
        for (var part = 0; part < Parts.Length; part++)
        {
            var count = Parts[part].Length;
            var isHead = part % 2 == 0;
            if (expected + count > length)
            {
                return isHead ? expected : length;
            }

            expected += count;
        }

        return expected;
    }
}
