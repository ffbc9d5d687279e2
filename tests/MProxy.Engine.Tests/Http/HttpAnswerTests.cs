using System.Text;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Http;

public class HttpAnswerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_answer_ends_the_connection_and_has_its_length(bool withBody)
    {
        foreach (var (answer, status) in new[] { (HttpAnswer.NotUnderstood, 400), (HttpAnswer.NoDevice, 502), (HttpAnswer.NoHttp2, 505) })
        {
            var parts = Encoding.ASCII.GetString(answer.ToBytes(withBody)).Split("\r\n\r\n", 2);
            Assert.StartsWith($"HTTP/1.1 {status} {answer.Reason}\r\n", parts[0], StringComparison.Ordinal);
            Assert.EndsWith("\r\nConnection: close", parts[0], StringComparison.Ordinal);
            Assert.Contains($"\r\nContent-Length: {answer.Text.Length}\r\n", parts[0], StringComparison.Ordinal);
            Assert.Equal(withBody ? answer.Text : "", parts[1]);
            Assert.EndsWith("\n", answer.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: H.x\r\n\r\n", 443, "https://H.x/")]
    [InlineData("POST /a?b=%0d%0aX:%20y HTTP/1.0\r\nHost: h:80\r\n\r\n", 443, "https://h/a?b=%0d%0aX:%20y")]
    [InlineData("GET //g/ HTTP/1.1\r\nHost: h:8080\r\n\r\n", 8443, "https://h:8443//g/")]
    [InlineData("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", 443, "https://h/?q")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 443, "https://[::1]/")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", 443, null)]
    [InlineData("GET / HTTP/1.1\r\nHost: h%0d%0a\r\n\r\n", 443, null)]
    [InlineData("GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", 443, null)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 443, null)]
    [InlineData("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 443, null)]
    public void A_redirect_goes_to_the_same_place_by_https(string request, int port, string? location)
    {
        var answer = HttpRequestHead.Read(Encoding.ASCII.GetBytes(request)).Head is { } head ? HttpAnswer.RedirectToHttps(head, port) : null;
        Assert.Equal(location is null, answer is null);
        if (answer is not null)
        {
            var lines = Encoding.ASCII.GetString(answer.ToBytes(withBody: false)).Split("\r\n");
            Assert.Equal("HTTP/1.1 308 Permanent Redirect", lines[0]);
            Assert.Equal($"Location: {location}", lines[1]);
            Assert.Equal(["Content-Type", "Content-Length", "Cache-Control", "Connection", "", ""], lines[2..].Select(line => line.Split(':')[0]));
        }
    }
}
