using System.Net;
using System.Net.Sockets;
using MProxy.Engine.Carriers;

namespace MProxy.Engine.Tests.Carriers;

public class CarrierUriTests
{
    [Theory]
    [InlineData("tcp://127.0.0.1:5443", "tcp", "127.0.0.1", 5443, "", false, false)]
    [InlineData("tcp://relay.example:0", "tcp", "relay.example", 0, "", false, false)]
    [InlineData("tls://[2001:db8::1]:443", "tls", "2001:db8::1", 443, "", true, false)]
    [InlineData("tcp://[fe80::1%251]:5443", "tcp", "fe80::1%1", 5443, "", false, false)]
    [InlineData("ws://[fe80::1%251]/", "ws", "fe80::1%1", 80, "/", false, true)]
    [InlineData("ws://h", "ws", "h", 80, "/", false, true)]
    [InlineData("ws://h:8080/a/b?c=d&e", "ws", "h", 8080, "/a/b?c=d&e", false, true)]
    [InlineData("wss://h/a", "wss", "h", 443, "/a", true, true)]
    [InlineData("WSS://H:8443?x", "wss", "h", 8443, "/?x", true, true)]
    public void An_address_is_read(string text, string scheme, string host, int port, string pathAndQuery, bool isSecure, bool isWebSocket)
    {
        var uri = CarrierUri.Parse(text);
        Assert.Equal(scheme, uri.Scheme);
        Assert.Equal(host, uri.Host);
        Assert.Equal(port, uri.Port);
        Assert.Equal(pathAndQuery, uri.PathAndQuery);
        Assert.Equal(isSecure, uri.IsSecure);
        Assert.Equal(isWebSocket, uri.IsWebSocket);
        Assert.Null(uri.SocketPath);
    }

    [Fact]
    public void A_socket_file_is_an_address()
    {
        var uri = CarrierUri.Parse("unix:///run/mproxy.sock");
        Assert.Equal("unix", uri.Scheme);
        Assert.Equal("/run/mproxy.sock", uri.SocketPath);
        Assert.Equal("", uri.Host);
        Assert.Equal(0, uri.Port);
        Assert.Equal("", uri.PathAndQuery);
        Assert.True(uri.IsLocalOnly);
        Assert.Equal("/run/mproxy.sock", Assert.IsType<UnixDomainSocketEndPoint>(uri.ToEndPoint()).ToString());
    }

    [Theory]
    [InlineData("127.0.0.1:80", "no scheme")]
    [InlineData("", "no scheme")]
    [InlineData("://h:1", "no scheme")]
    [InlineData("http://h:80", "not supported")]
    [InlineData("tcp://h", "needs a port")]
    [InlineData("tls://h", "needs a port")]
    [InlineData("tls://[::1]", "needs a port")]
    [InlineData("tcp://:80", "no carrier address")]
    [InlineData("ws://", "no carrier address")]
    [InlineData("tcp://h:99999", "no carrier address")]
    [InlineData("tcp://a b:1", "no carrier address")]
    [InlineData("tcp://h:1/path", "has a path")]
    [InlineData("tls://h:1?query", "has a path")]
    [InlineData("wss://user@h/", "holds a user")]
    [InlineData("tcp://user:secret@h:1", "holds a user")]
    [InlineData("ws://h/#part", "fragment")]
    [InlineData("unix://run/mproxy.sock", "no absolute path")]
    [InlineData("unix:///", "no absolute path")]
    [InlineData("unix:///run/a?b", "query")]
    [InlineData("unix:///run/a\0b", "control character")]
    public void What_is_wrong_with_an_address_is_told(string text, string said)
    {
        var error = Assert.Throws<FormatException>(() => CarrierUri.Parse(text));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_has_at_most_2048_characters()
    {
        var start = "ws://h/";
        _ = CarrierUri.Parse(start + new string('a', 2048 - start.Length));
        Assert.Contains("too long", Assert.Throws<FormatException>(() => CarrierUri.Parse(start + new string('a', 2049 - start.Length))).Message, StringComparison.Ordinal);
        Assert.Contains("too long", Assert.Throws<FormatException>(() => CarrierUri.Parse($"unix:///{new string('a', 300)}")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp://127.0.0.1:5443")]
    [InlineData("tls://[2001:db8::1]:443")]
    [InlineData("tcp://[fe80::1%251]:1")]
    [InlineData("ws://h/")]
    [InlineData("ws://h:8080/a/b?c=d&e")]
    [InlineData("wss://[::1]/a%20b?c=%20")]
    [InlineData("unix:///run/mproxy.sock")]
    public void An_address_is_given_back(string text)
    {
        Assert.Equal(text, CarrierUri.Parse(text).ToString());
        Assert.Equal(CarrierUri.Parse(text), CarrierUri.Parse(CarrierUri.Parse(text).ToString()));
    }

    [Theory]
    [InlineData("wss://h/a?access_token=secret", "wss://h/a?access_token=***")]
    [InlineData("wss://h/a?x=1&access_token=secret&y=2", "wss://h/a?x=1&access_token=***&y=2")]
    [InlineData("wss://h/?access%5Ftoken=secret&ACCESS_TOKEN=secret", "wss://h/?access_token=***&ACCESS_TOKEN=***")]
    [InlineData("wss://h/?access_token=secret?secret", "wss://h/?access_token=***")]
    public void A_token_is_never_shown_and_still_there(string text, string shown)
    {
        var uri = CarrierUri.Parse(text);
        Assert.Equal(shown, uri.ToString());
        Assert.Equal(shown, $"{uri}");
        Assert.DoesNotContain("secret", uri.PathAndQuery, StringComparison.Ordinal);
        Assert.Contains("secret", uri.ToUri().PathAndQuery, StringComparison.Ordinal);
        Assert.NotEqual(CarrierUri.Parse(text.Replace("secret", "other", StringComparison.Ordinal)), uri);
        Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => CarrierUri.Parse($"{text}#secret")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp://127.0.0.1:1", true)]
    [InlineData("tcp://127.8.8.8:1", true)]
    [InlineData("tcp://localhost:1", true)]
    [InlineData("wss://[::1]:1", true)]
    [InlineData("tcp://0.0.0.0:1", false)]
    [InlineData("tcp://[::]:1", false)]
    [InlineData("tcp://192.0.2.1:1", false)]
    [InlineData("wss://relay.example", false)]
    public void What_is_local_is_known(string text, bool isLocalOnly) => Assert.Equal(isLocalOnly, CarrierUri.Parse(text).IsLocalOnly);

    [Fact]
    public void A_relay_listens_on_addresses()
    {
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 7), CarrierUri.Parse("tcp://localhost:7").ToEndPoint());
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Any, 443), CarrierUri.Parse("wss://[::]").ToEndPoint());
        Assert.Throws<FormatException>(() => CarrierUri.Parse("tcp://relay.example:1").ToEndPoint());
        Assert.Throws<InvalidOperationException>(() => CarrierUri.Parse("tcp://h:1").ToUri());
        Assert.Equal("tcp://[::1]:9", (CarrierUri.Parse("tcp://[::1]:0") with { Port = 9 }).ToString());
    }
}
