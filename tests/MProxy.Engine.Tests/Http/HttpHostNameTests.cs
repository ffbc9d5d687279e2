using System.Text;
using MProxy.Engine.Http;

namespace MProxy.Engine.Tests.Http;

public class HttpHostNameTests
{
    [Theory]
    [InlineData("example.com", "example.com", null)]
    [InlineData("Example.COM.:8080", "Example.COM.", 8080)]
    [InlineData("a_b-c.d:0", "a_b-c.d", 0)]
    [InlineData("127.0.0.1:65535", "127.0.0.1", 65535)]
    [InlineData("h:00080", "h", 80)]
    [InlineData("[::1]", "[::1]", null)]
    [InlineData("[::1]:80", "[::1]", 80)]
    [InlineData("[fE80::1.2.3.4]:1", "[fE80::1.2.3.4]", 1)]
    public void Host_and_port_are_taken_apart(string authority, string host, int? port)
    {
        Assert.True(HttpHostName.TrySplit(authority, out var read, out var readPort));
        Assert.Equal(host, read);
        Assert.Equal(port, readPort);
        Assert.Equal(host, HttpHostName.TryRead(authority));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("h:")]
    [InlineData("h:65536")]
    [InlineData("h:000080")]
    [InlineData("h:+80")]
    [InlineData("h:-1")]
    [InlineData("h: 80")]
    [InlineData("h:80 ")]
    [InlineData("h:80\0")]
    [InlineData("h:8a")]
    [InlineData("h:٨")]
    [InlineData("h:80:80")]
    [InlineData("::1")]
    [InlineData("u@h")]
    [InlineData("u:80@h")]
    [InlineData("h/")]
    [InlineData("h\\")]
    [InlineData("h?")]
    [InlineData("h#")]
    [InlineData("h%41")]
    [InlineData("h,g")]
    [InlineData("h g")]
    [InlineData("h\0")]
    [InlineData("h\r\n")]
    [InlineData("hé")]
    [InlineData("h。g")]
    [InlineData("[]")]
    [InlineData("[:")]
    [InlineData("[::1")]
    [InlineData("[::1]80")]
    [InlineData("[::1]:")]
    [InlineData("[::1]h")]
    [InlineData("[::1%25eth0]")]
    [InlineData("[v1.x]")]
    [InlineData("h[::1]")]
    public void What_is_no_host_is_refused(string authority)
    {
        Assert.False(HttpHostName.TrySplit(authority, out _, out _));
        Assert.Null(HttpHostName.TryRead(authority));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: Example.com:8080\r\n\r\nbody", "example.com")]
    [InlineData("GET / HTTP/1.0\r\nHost: [::A]:80\r\n\r\n", "[::a]")]
    [InlineData("GET http://A.b/ HTTP/1.0\r\n\r\n", "a.b")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a%62\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n", null)]
    [InlineData("GET / HTTP/1.1\nHost: h\n\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: g\r\n\r\n", null)]
    [InlineData("", null)]
    [InlineData("\x16\x03\x01", null)]
    public void The_host_of_a_request_is_found(string data, string? host) =>
        Assert.Equal(host, HttpHostName.Find(Encoding.Latin1.GetBytes(data)));
}
