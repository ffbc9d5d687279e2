using System.Text;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Http;

public class HttpHeadTests
{
    [Theory]
    [InlineData("GET /a?b HTTP/1.1\r\nHost: h:80\r\n\r\n", "1.1", "Origin", "h:80", "/a?b")]
    [InlineData("GET // HTTP/1.1\r\nHost: H\r\n\r\n", "1.1", "Origin", "H", "//")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "1.0", "Origin", null, "/")]
    [InlineData("GET / HTTP/1.0\r\nHost: h\r\n\r\n", "1.0", "Origin", "h", "/")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "1.1", "Asterisk", "h", "")]
    [InlineData("OPTIONS /x HTTP/1.1\r\nHost: h\r\n\r\n", "1.1", "Origin", "h", "/x")]
    [InlineData("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "1.1", "Absolute", "h", "/a")]
    [InlineData("GET HTTP://H.x:80/a HTTP/1.1\r\nHost: h.X\r\n\r\n", "1.1", "Absolute", "H.x:80", "/a")]
    [InlineData("GET http://h HTTP/1.1\r\nHost: h:80\r\n\r\n", "1.1", "Absolute", "h", "/")]
    [InlineData("GET http://h?q=/ HTTP/1.1\r\nHost: h\r\n\r\n", "1.1", "Absolute", "h", "/?q=/")]
    [InlineData("GET https://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n", "1.1", "Absolute", "h", "/")]
    [InlineData("GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "1.1", "Absolute", "[::1]:8080", "/")]
    [InlineData("GET http://h/ HTTP/1.0\r\n\r\n", "1.0", "Absolute", "h", "/")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "1.1", "Authority", "h:443", "")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: H\r\n\r\n", "1.1", "Authority", "h:443", "")]
    [InlineData("CONNECT h:443 HTTP/1.0\r\n\r\n", "1.0", "Authority", "h:443", "")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "1.1", "Authority", "h:443", "")]
    public void A_head_says_whom_it_is_for(string text, string version, string form, string? authority, string path)
    {
        var (status, head) = Read(text + "more");
        Assert.Equal(HttpHeadStatus.Complete, status);
        Assert.Equal(version, head!.Version.ToString());
        Assert.Equal(version == "1.0", head.IsVersion10);
        Assert.Equal(form, head.Form.ToString());
        Assert.Equal(authority, head.Authority);
        Assert.Equal(path, head.PathAndQuery);
        Assert.Equal(text.Split(' ')[0], head.Method);
        Assert.Equal(text.Split(' ')[1], head.Target);
        Assert.Equal(text.Length, head.Length);
        Assert.Equal(0, head.BodyLength);
        Assert.False(head.IsChunked);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET /\r\n\r\n")]
    [InlineData("GET / HTTP/0.9\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.2\r\nHost: h\r\n\r\n")]
    [InlineData("GET / http/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1 \r\nHost: h\r\n\r\n")]
    [InlineData("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData(" GET / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /\xe9 HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET a HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET * HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("CONNECT * HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: g:443\r\n\r\n")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: h:80\r\n\r\n")]
    [InlineData("CONNECT http://h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("CONNECT h:443 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\nHost: g\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.0\r\nHost: g\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\nHost: h:8080\r\n\r\n")]
    [InlineData("GET https://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n")]
    [InlineData("GET http://h:81/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\nHost: h.\r\n\r\n")]
    [InlineData("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET http://h\\@g/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\nHost: h\r\nhOST: g\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\nHost:\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h, g\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\xe9\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX\t: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n Host: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX\0: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX\xe9: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: \vy\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\rz\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\nz: \r\n\r\n")]
    [InlineData("GET / HTTP/1.1\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\r\n")]
    public void What_can_be_read_in_two_ways_is_malformed(string text)
    {
        var (status, head) = Read(text);
        Assert.Equal(HttpHeadStatus.Malformed, status);
        Assert.Null(head);
    }

    [Theory]
    [InlineData("Content-Length: 0", 0, false)]
    [InlineData("content-length: \t7 ", 7, false)]
    [InlineData("Content-Length: 999999999999999999", 999_999_999_999_999_999, false)]
    [InlineData("Transfer-Encoding: chunked", 0, true)]
    [InlineData("TRANSFER-ENCODING:\tChunKed ", 0, true)]
    [InlineData("Connection: TE, close", 0, false)]
    [InlineData("X-Content-Length: x", 0, false)]
    public void A_head_says_where_its_body_ends(string header, long length, bool isChunked)
    {
        var head = Read($"POST / HTTP/1.1\r\nHost: h\r\n{header}\r\n\r\n").Head;
        Assert.Equal(length, head!.BodyLength);
        Assert.Equal(isChunked, head.IsChunked);
    }

    [Theory]
    [MemberData(nameof(Smuggling.Framings), MemberType = typeof(Smuggling))]
    public void A_body_whose_end_is_in_doubt_makes_the_head_malformed(string headers) =>
        Assert.Equal(HttpHeadStatus.Malformed, Read($"POST / HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n").Status);

    [Theory]
    [InlineData("Content-Length: 3", "Complete")]
    [InlineData("Transfer-Encoding: chunked", "Malformed")]
    public void Version_10_has_no_chunks(string header, string status) =>
        Assert.Equal(status, Read($"POST / HTTP/1.0\r\nHost: h\r\n{header}\r\n\r\n").Status.ToString());

    [Fact]
    public void A_header_that_comes_thousands_of_times_is_counted_and_joined()
    {
        var head = Read($"GET / HTTP/1.1\r\nHost: h\r\n{string.Concat(Enumerable.Repeat("a:b\r\n", 3000))}\r\n").Head;
        Assert.Equal(3000, head!.Count("A"));
        Assert.Equal((3000 * 3) - 2, head.Header("a")!.Length);
    }

    private static (HttpHeadStatus Status, HttpRequestHead? Head) Read(string text) => HttpRequestHead.Read(Encoding.Latin1.GetBytes(text));
}
