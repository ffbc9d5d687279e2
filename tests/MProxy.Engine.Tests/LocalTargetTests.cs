using MProxy.Engine.Device;

namespace MProxy.Engine.Tests;

/// <summary>What people write for a local service, and what they are told where it is none.</summary>
public class LocalTargetTests
{
    [Theory]
    [InlineData("127.0.0.1:9000", "127.0.0.1", 9000, "127.0.0.1:9000")]
    [InlineData("localhost:22", "localhost", 22, "localhost:22")]
    [InlineData("my_service.internal:65535", "my_service.internal", 65535, "my_service.internal:65535")]
    [InlineData("drucker-büro:9100", "drucker-büro", 9100, "drucker-büro:9100")]
    [InlineData("[::1]:80", "::1", 80, "[::1]:80")]
    [InlineData("[fe80::1%1]:80", "fe80::1%1", 80, "[fe80::1%1]:80")]
    [InlineData("tcp://localhost:22", "localhost", 22, "localhost:22")]
    [InlineData("TCP://[::1]:22/", "::1", 22, "[::1]:22")]
    public void A_host_and_a_port(string text, string host, int port, string shown)
    {
        var target = LocalTarget.Parse(text);
        Assert.Equal(new LocalTarget(host, port), target);
        Assert.Equal(shown, $"{target}");
        Assert.Equal(target, LocalTarget.Parse(shown));
    }

    [Theory]
    [InlineData("tls://printer.example:443", "printer.example", "tls://printer.example:443")]
    [InlineData("Tls://[::1]:443", "::1", "tls://[::1]:443")]
    public void A_service_that_speaks_TLS(string text, string host, string shown)
    {
        var target = LocalTarget.Parse(text);
        Assert.Equal(new LocalTarget(host, 443) { UseTls = true }, target);
        Assert.Equal(shown, $"{target}");
        Assert.Equal(target, LocalTarget.Parse(shown));
    }

    [Theory]
    [InlineData("unix:/run/service.sock", "/run/service.sock")]
    [InlineData("unix:///run/service.sock", "/run/service.sock")]
    [InlineData("UNIX:/run/with space?#@:1.sock", "/run/with space?#@:1.sock")]
    public void A_socket_file(string text, string path)
    {
        var target = LocalTarget.Parse(text);
        Assert.Equal(new LocalTarget("", 0) { SocketPath = path }, target);
        Assert.Equal($"unix://{path}", $"{target}");
        Assert.Equal(target, LocalTarget.Parse($"{target}"));
    }

    [Theory]
    [InlineData("", "There is no local service")]
    [InlineData("127.0.0.1:80\0", "control character")]
    [InlineData("unix:/run/a\nb", "control character")]
    [InlineData("9000", "names no host: write it as 127.0.0.1:port")]
    [InlineData(":9000", "names no host")]
    [InlineData("tcp://:9000", "names no host")]
    [InlineData("tcp://", "names no host")]
    [InlineData("localhost", "names no port: write it as localhost:port")]
    [InlineData("tls://localhost", "names no port: write it as localhost:port")]
    [InlineData("[::1]", "names no port: write it as [::1]:port")]
    [InlineData("[::1]80", "names no port")]
    [InlineData("localhost:", "'' for a port")]
    [InlineData("localhost:0", "'0' for a port: give a number from 1 to 65535")]
    [InlineData("localhost:65536", "'65536' for a port")]
    [InlineData("localhost:-1", "'-1' for a port")]
    [InlineData("localhost:+1", "'+1' for a port")]
    [InlineData("localhost:http", "'http' for a port")]
    [InlineData("[::1]:", "'' for a port")]
    [InlineData("::1:80", "more than one colon: an IPv6 address stands in brackets")]
    [InlineData("a:b:80", "more than one colon")]
    [InlineData("[::1:80", "no IPv6 address in its brackets")]
    [InlineData("[]:80", "no IPv6 address in its brackets")]
    [InlineData("[127.0.0.1]:80", "no IPv6 address in its brackets")]
    [InlineData("[localhost]:80", "no IPv6 address in its brackets")]
    [InlineData("local host:80", "holds ' '")]
    [InlineData(" localhost:80", "holds ' '")]
    [InlineData("localhost:80/path", "holds '/'")]
    [InlineData("tls://localhost:443/path", "holds '/'")]
    [InlineData("tls://localhost:443?a", "holds '?'")]
    [InlineData("tls://user@localhost:443", "holds '@'")]
    [InlineData("/run/service.sock", "holds '/'")]
    [InlineData("http://localhost:80", "starts with 'http', which no local service does")]
    [InlineData("wss://localhost:80", "write it as host:port, tls://host:port, udp://host:port, dns://host:port or unix:/path")]
    [InlineData("://localhost:80", "starts with ''")]
    [InlineData("unix:", "no absolute path: write it as unix:/run/service.sock")]
    [InlineData("unix:/", "no absolute path")]
    [InlineData("unix:///", "no absolute path")]
    [InlineData("unix:run/service.sock", "no absolute path")]
    [InlineData("unix://run/service.sock", "with one slash or three")]
    [InlineData("unix:/long", "too long for a socket file")]
    public void Anything_else_is_told_with_what_to_write(string text, string told)
    {
        text = text == "unix:/long" ? $"unix:/{new string('x', 200)}" : text;
        Assert.Contains(told, Assert.Throws<FormatException>(() => LocalTarget.Parse(text)).Message, StringComparison.Ordinal);
    }
}
