using System.Text;
using MProxy.Engine.Carriers;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierRequestHeadTests
{
    private static readonly string Request = RawWebSocket.Request(line: "GET /a?b=c HTTP/1.1", connection: "Connection: keep-alive,\t Upgrade \r\n", more: "X:\r\nCookie: a\r\ncookie:  b\t\r\n");

    [Fact]
    public void A_head_is_read()
    {
        var (status, head) = Read(Request + "more");
        Assert.Equal(HttpHeadStatus.Complete, status);
        Assert.Equal("GET", head!.Method);
        Assert.Equal("/a?b=c", head.Target);
        Assert.Equal("/a", head.Path);
        Assert.Equal(Request.Length, head.Length);
        Assert.Equal("h", head.Header("HOST"));
        Assert.Equal("", head.Header("x"));
        Assert.Equal("a, b", head.Header("Cookie"));
        Assert.Null(head.Header("Y"));
        Assert.True(head.HasWord("Connection", "upgrade"));
        Assert.False(head.HasWord("Connection", "keep"));
    }

    [Fact]
    public void Every_part_of_a_head_is_incomplete()
    {
        for (var length = 0; length < Request.Length; length++)
        {
            Assert.Equal(HttpHeadStatus.Incomplete, Read(Request[..length]).Status);
            Assert.False(HttpRequestHead.IsDecided(Encoding.Latin1.GetBytes(Request[..length]), length / 2));
        }

        for (var seen = 0; seen < Request.Length; seen++)
        {
            Assert.True(HttpRequestHead.IsDecided(Encoding.Latin1.GetBytes(Request), seen));
        }
    }

    [Theory]
    [InlineData(0, "Complete")]
    [InlineData(1, "Malformed")]
    public void A_head_has_at_most_16_KiB(int beyond, string status)
    {
        const string Start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
        Assert.Equal(status, Read($"{Start}{new string('x', HttpRequestHead.MaxLength - Start.Length - 4 + beyond)}\r\n\r\n").Status.ToString());
    }

    [Fact]
    public void Whatever_the_bytes_are_nothing_is_thrown_and_what_is_decided_stays()
    {
        var random = new Random(4711);
        var alphabet = Encoding.Latin1.GetBytes("\r\n\r\n :/aH\t\0\x7f\xffGET / HTTP/1.1\r\nHost: h\r\n");
        for (var round = 0; round < 20_000; round++)
        {
            var data = Encoding.Latin1.GetBytes(Request);
            for (var change = random.Next(4); change >= 0; change--)
            {
                data[random.Next(data.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            data = round % 3 == 0 ? random.GetItems(alphabet, random.Next(200)) : data;
            var (status, head) = HttpRequestHead.Read(data);
            Assert.Equal(status == HttpHeadStatus.Complete, head is not null);
            if (HttpRequestHead.IsDecided(data, 0))
            {
                Assert.NotEqual(HttpHeadStatus.Incomplete, status);
            }

            if (status == HttpHeadStatus.Complete)
            {
                Assert.True(HttpRequestHead.IsDecided(data, 0));
                Assert.Equal(HttpHeadStatus.Incomplete, HttpRequestHead.Read(data.AsSpan(0, head!.Length - 1)).Status);
                var (upgrade, answer) = WebSocketUpgrade.Decide(head, head.Length < data.Length, "/", true);
                Assert.True(upgrade is null != answer is null);
            }
            else if (status == HttpHeadStatus.Malformed)
            {
                Assert.Equal(HttpHeadStatus.Malformed, HttpRequestHead.Read([.. data, .. "\r\n\r\n"u8]).Status);
            }
        }
    }

    private static (HttpHeadStatus Status, HttpRequestHead? Head) Read(string text) => HttpRequestHead.Read(Encoding.Latin1.GetBytes(text));
}
